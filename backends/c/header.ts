import { headerFrame, statusEnumLines } from '../clike/header.ts';
import { commentText } from '../clike/names.ts';
import type { Status } from '../clike/status.ts';
import { type CPort, type CSignature, countOf } from './signature.ts';
import { type CSize, isChosen, isFound, shapeText } from './sizes.ts';
import { threadDeclarations, threadsStatus, threadTypes } from './threads.ts';
import { cStorageType } from './types.ts';

/** Alignment in bytes that the arena needs, and that inline weights have. */
export const ARENA_ALIGNMENT = 16;
export const WEIGHTS_ALIGNMENT = 64;

/** What can go wrong at run time; `ok` is 0. */
const statuses = [
  { code: 'OK', text: 'no error' },
  { code: 'ERROR_NULL', text: 'a pointer is NULL' },
  { code: 'ERROR_ARENA_SIZE', text: 'the arena is too small' },
  { code: 'ERROR_ARENA_ALIGNMENT', text: 'the arena is not aligned' },
  { code: 'ERROR_WEIGHTS_SIZE', text: 'the weights have the wrong size' },
  { code: 'ERROR_WEIGHTS_ALIGNMENT', text: 'the weights are not aligned' },
  { code: 'ERROR_NOT_INITIALIZED', text: 'the context is not initialized' },
  { code: 'ERROR_SELFTEST', text: 'the self-test gave other results than the compiler' },
] as const;

const stateStatus = { code: 'ERROR_STATE_SIZE', text: 'the states have the wrong size' } as const;
const sizeStatus = { code: 'ERROR_SIZE', text: 'a size is out of its bounds' } as const;
const fullStatus = { code: 'ERROR_STATE_FULL', text: 'the states have no room for what the run adds' } as const;

/** What can go wrong with a program; a status is its place here. */
export function statusesOf({ stateBytes, sizes, threads }: CSignature): readonly Status[] {
  return [
    ...statuses,
    ...(stateBytes > 0 ? [stateStatus] : []),
    ...(sizes.some((size) => isChosen(size) || isFound(size)) ? [sizeStatus] : []),
    ...(sizes.some(({ grows }) => grows) ? [fullStatus] : []),
    ...(threads ? [threadsStatus] : []),
  ];
}

/** `int32_t size_T`, `const float *input_x` and the like, all parameters of NAME_run behind the context. */
export function runParameters(signature: CSignature): string[] {
  const sizes = signature.sizes.filter(isChosen).map(({ identifier }) => `int32_t ${identifier}`);
  const found = signature.sizes.filter(isFound).map((size) => `int32_t *${foundParameter(size)}`);
  const inputs = signature.inputs.map((port) => `const ${pointer(port)}`);
  return [...sizes, ...inputs, ...outputParameters(signature), ...found];
}

/** Where NAME_run writes a size that data decide. */
export function foundParameter({ identifier }: CSize): string {
  return `found_${identifier}`;
}

export function outputParameters(signature: CSignature): string[] {
  return signature.outputs.map(pointer);
}

function pointer(port: CPort): string {
  return `${cStorageType(port.dtype)} *${port.identifier}`;
}

/** The parameters of NAME_init. */
export function initParameters({ name, weights }: CSignature): string {
  const own = `${name}_context *ctx, void *arena, size_t arena_bytes`;
  return weights === 'external' ? `${own}, const void *weights, size_t weights_bytes` : own;
}

/** How many elements an input or output has, as a macro. */
export function portMacros(name: string, kind: 'input' | 'output', port: CPort): string[] {
  const most = port.sizes ? '; elements at most:' : '';
  return [
    `/* ${kind} "${commentText(port.name)}": ${commentText(shapeText(port))}, ${port.dtype}${most} */`,
    `#define ${name}_${port.identifier.toUpperCase()}_COUNT ${countOf(port)}`,
  ];
}

function stateMacros({ name, states, stateBytes }: CSignature): string[] {
  if (stateBytes === 0) return [];
  const lines = states.map((state) => {
    const { name: input, output, dtype, offset } = state;
    return ` * ${offset}: "${commentText(input)}" (${commentText(shapeText(state))}, ${dtype}), from the output "${commentText(output)}"`;
  });
  return [
    '/* What a context keeps between runs, at its byte offset:',
    ...lines,
    ' */',
    `#define ${name}_STATE_BYTES ${stateBytes}`,
  ];
}

function sizeMacros({ name, sizes }: CSignature): string[] {
  return sizes.flatMap(({ name: size, identifier, min, max, grows, found }) => [
    `/* size "${commentText(size)}": ${min} to so many${grows ? `; the context keeps it, and ${name}_reset makes it ${min}` : ''}${found ? `; data decide, and ${name}_run says it` : ''} */`,
    `#define ${name}_${identifier.toUpperCase()}_MAX ${max}`,
  ]);
}

function stateDeclarations({ name, stateBytes }: CSignature): string[] {
  if (stateBytes === 0) return [];
  return [
    `/* Sets every state to zero, as ${name}_init does. Returns a ${name}_status. */`,
    `int ${name}_reset(${name}_context *ctx);`,
    '',
    `/* Copy all states out and in: ${name}_STATE_BYTES bytes. Return a ${name}_status. */`,
    `int ${name}_save_state(const ${name}_context *ctx, void *states, size_t bytes);`,
    `int ${name}_load_state(${name}_context *ctx, const void *states, size_t bytes);`,
    '',
  ];
}

/** The text of NAME.h. */
export function headerText(signature: CSignature): string {
  const { name, weights } = signature;
  const external = weights === 'external';
  const run = runParameters(signature).map((parameter) => `,\n    ${parameter}`);
  const outputs = outputParameters(signature).map((parameter) => `,\n    ${parameter}`);
  const title = 'A neural network in plain C99: no allocation, no global state.';
  return headerFrame({ name, title, includes: [...(signature.threads ? ['pthread.h'] : []), 'stddef.h', 'stdint.h'] }, [
    '/* Working memory that a context needs, and its alignment. */',
    `#define ${name}_ARENA_BYTES ${signature.arenaBytes}`,
    `#define ${name}_ARENA_ALIGNMENT ${ARENA_ALIGNMENT}`,
    `#define ${name}_WEIGHTS_BYTES ${signature.weightsBytes}`,
    ...stateMacros(signature),
    ...(external ? [`#define ${name}_WEIGHTS_ALIGNMENT ${WEIGHTS_ALIGNMENT}`] : []),
    '',
    ...sizeMacros(signature),
    ...signature.inputs.flatMap((port) => portMacros(name, 'input', port)),
    ...signature.outputs.flatMap((port) => portMacros(name, 'output', port)),
    '',
    ...statusEnumLines(name, statusesOf(signature)),
    ...(signature.threads ? threadTypes(signature) : []),
    '/* One run at a time uses a context; contexts with arenas of their own are independent. */',
    'typedef struct {',
    '  unsigned char *arena;',
    ...(external ? ['  const unsigned char *weights;'] : []),
    ...(signature.threads ? [`  ${name}_threads *threads;`] : []),
    `} ${name}_context;`,
    '',
    `/* Gives the context its memory${external ? ` and the contents of ${name}_weights.bin` : ''}, which must outlive it. Returns a ${name}_status. */`,
    `int ${name}_init(${initParameters(signature)});`,
    '',
    `/* Runs the network: elements row-major, buffers that do not overlap. Returns a ${name}_status. */`,
    `int ${name}_run(${name}_context *ctx${run.join('')});`,
    '',
    ...(signature.threads ? threadDeclarations(signature) : []),
    ...stateDeclarations(signature),
    `/* With ${name}_TRACE defined, ${name}_run calls this after each kernel: its place in the launches of manifest.json, and its layer. */`,
    `#ifdef ${name}_TRACE`,
    `void ${name}_trace(int launch, const char *layer); /* yours to define */`,
    '#endif',
    '',
    ...(signature.selftest
      ? [
          `/* Runs the network on known inputs and compares with what the compiler computed; overwrites the outputs${signature.stateBytes > 0 ? ' and resets the states' : ''}. */`,
          `int ${name}_selftest(${name}_context *ctx${outputs.join('')});`,
          '',
        ]
      : []),
    `/* What a ${name}_status means, in English. */`,
    `const char *${name}_status_text(int status);`,
    '',
  ]);
}
