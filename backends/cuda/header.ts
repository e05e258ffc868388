import { outputParameters, portMacros, runParameters } from '../c/header.ts';
import type { CSignature } from '../c/signature.ts';
import { headerFrame, statusEnumLines } from '../clike/header.ts';
import { commentText } from '../clike/names.ts';
import type { Status } from '../clike/status.ts';

/** What can go wrong at run time; `ok` is 0. */
const statuses = [
  { code: 'OK', text: 'no error' },
  { code: 'ERROR_NULL', text: 'a pointer is NULL' },
  { code: 'ERROR_NO_DEVICE', text: 'there is no CUDA device, or no driver for it' },
  { code: 'ERROR_MEMORY', text: 'the device has not enough memory' },
  { code: 'ERROR_CUDA', text: 'the CUDA runtime reports an error' },
  { code: 'ERROR_WEIGHTS_SIZE', text: 'the weights have the wrong size' },
  { code: 'ERROR_NOT_CREATED', text: 'the model is not created' },
  { code: 'ERROR_SELFTEST', text: 'the self-test gave other results than the compiler' },
] as const;

const stateStatus = { code: 'ERROR_STATE_SIZE', text: 'the states have the wrong size' } as const;

/** What can go wrong with a program; a status is its place here. */
export function statusesOf({ stateBytes }: CSignature): readonly Status[] {
  return stateBytes > 0 ? [...statuses, stateStatus] : statuses;
}

/** All parameters of NAME_run. */
export function runText(signature: CSignature): string {
  return parameters(signature.name, runParameters(signature));
}

/** All parameters of NAME_selftest. */
export function selfTestText(signature: CSignature): string {
  return parameters(signature.name, outputParameters(signature));
}

const parameters = (name: string, ports: readonly string[]) =>
  [`(${name}_model *model`, ...ports.map((port) => `    ${port}`), '    cudaStream_t stream)'].join(',\n');

/** The parameters of NAME_create. */
export function createText({ name, weights }: CSignature): string {
  const own = `${name}_model *model`;
  return weights === 'external' ? `(${own}, const void *weights, size_t weights_bytes)` : `(${own})`;
}

function stateLines({ name, states, stateBytes }: CSignature): string[] {
  if (stateBytes === 0) return [];
  return [
    '/* What a model keeps between runs, by byte offset:',
    ...states.map(({ name: input, offset }) => ` * ${offset}: "${commentText(input)}"`),
    ' */',
    `#define ${name}_STATE_BYTES ${stateBytes}`,
    '',
    `/* Sets every state to zero, as ${name}_create does, when the stream comes to it. */`,
    `int ${name}_reset(${name}_model *model, cudaStream_t stream);`,
    '',
    `/* Copy all states out and in: ${name}_STATE_BYTES bytes, of the host or the device. */`,
    `int ${name}_save_state(const ${name}_model *model, void *states, size_t bytes, cudaStream_t stream);`,
    `int ${name}_load_state(${name}_model *model, const void *states, size_t bytes, cudaStream_t stream);`,
    '',
  ];
}

/** The text of NAME.h. */
export function headerText(signature: CSignature): string {
  const { name, weights } = signature;
  const external = weights === 'external';
  const title = 'A neural network in CUDA: nothing is allocated after it is created, and nothing is global.';
  return headerFrame({ name, title, includes: ['stddef.h', 'stdint.h', 'cuda_runtime_api.h'] }, [
    '/* Memory of the device that a model takes: weights, and all else. */',
    `#define ${name}_WEIGHTS_BYTES ${signature.weightsBytes}`,
    `#define ${name}_MEMORY_BYTES ${signature.arenaBytes}`,
    '',
    ...signature.inputs.flatMap((port) => portMacros(name, 'input', port)),
    ...signature.outputs.flatMap((port) => portMacros(name, 'output', port)),
    '',
    ...statusEnumLines(name, statusesOf(signature)),
    '/* A model on the device that was the current one when it was created; it must be so in later calls too. */',
    'typedef struct {',
    '  unsigned char *memory;',
    '  unsigned char *weights;',
    `} ${name}_model;`,
    '',
    '/* All functions return a status: 0, or what went wrong. */',
    '',
    `/* Takes memory of the current device${external ? `, and copies the contents of ${name}_weights.bin` : ' and copies the weights'} there. */`,
    `int ${name}_create${createText(signature)};`,
    '',
    '/*',
    ' * Puts a run on the stream and returns. Elements are row-major, in memory of the host or the device, and must stay',
    ' * until the stream has come so far. Runs of one model follow one another on one stream.',
    ' */',
    `int ${name}_run${runText(signature)};`,
    '',
    ...stateLines(signature),
    `/* With ${name}_TRACE defined, ${name}_run calls this behind each kernel that it puts on the stream: its place in the`,
    ' * launches of manifest.json, and its layer; and with -1 before the first. */',
    `#ifdef ${name}_TRACE`,
    `void ${name}_trace(int launch, const char *layer, cudaStream_t stream); /* yours to define */`,
    '#endif',
    '',
    "/* Gives the device's memory back, when all that was put on streams is done. */",
    `int ${name}_destroy(${name}_model *model);`,
    '',
    ...(signature.selftest
      ? [
          `/* Runs on known inputs and compares with what the compiler computed; overwrites the outputs, which are the host's${signature.stateBytes > 0 ? ', and resets the states' : ''}. */`,
          `int ${name}_selftest${selfTestText(signature)};`,
          '',
        ]
      : []),
    '/* What a status means, in English. */',
    `const char *${name}_status_text(int status);`,
    '',
  ]);
}
