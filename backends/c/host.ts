import { elementBytes } from '../../src/support/tensor.ts';
import { WEIGHTS_ALIGNMENT } from './header.ts';
import { type CPort, type CSignature, countOf } from './signature.ts';
import { isChosen, isFound, namesIn, sizeText } from './sizes.ts';
import { bytesText } from './source.ts';
import { cStorageType } from './types.ts';

/** Compilers to try, in order. */
export const hostCompilers = ['cc', 'gcc', 'clang'] as const;

/** How many threads a main program has, where the code has some: to be defined as it is compiled. */
export const threadsMacro = 'QC_HOST_THREADS';

/** Options that every build of generated code takes. */
export const hostFlags = ['-std=c99', '-ffp-contract=off', '-fno-math-errno'] as const;

/**
 * The file names of a run: inputs and outputs are the raw elements, those of each step behind the last one's. Where data
 * decide sizes, the last of the outputs holds those, as i32.
 */
export const inputFile = (i: number): string => `input${i}.bin`;
export const outputFile = (i: number): string => `output${i}.bin`;
/** The sizes that a run is told, as i32, where there are any. */
export const sizesFile = 'sizes.bin';

const bytesOf = (port: CPort): number => countOf(port) * elementBytes(port.dtype);

/** Functions of main programs that read and write files, and exit with 100 when they can't. */
export const transferFunctions: readonly string[] = [
  'static FILE *opened(const char *path, const char *mode)',
  '{',
  '  FILE *file = fopen(path, mode);',
  '  if (!file) {',
  '    exit(100);',
  '  }',
  '  return file;',
  '}',
  '',
  'static void transfer(FILE *file, void *data, size_t bytes, int writes)',
  '{',
  '  if ((writes ? fwrite(data, 1, bytes, file) : fread(data, 1, bytes, file)) != bytes) {',
  '    exit(100);',
  '  }',
  '}',
  '',
];

/** The C file of a main program up to its variables: `headers` beside those that every one needs. */
function opening({ name }: CSignature, headers: readonly string[] = []): string[] {
  return [
    `#include "${name}.h"`,
    ...['stdio', 'stdlib', 'string', ...headers].map((header) => `#include <${header}.h>`),
    '',
    ...transferFunctions,
  ];
}

/** The beginning of main: memory, weights and a context; `status` says whether all is well. */
function setUp(signature: CSignature): string[] {
  const { name, inputs, outputs } = signature;
  const external = signature.weights === 'external';
  const words = (n: number) => Math.max(1, Math.ceil(n / 8));
  return [
    'int main(int argc, char **argv)',
    '{',
    `  ${name}_context context;`,
    ...[...inputs, ...outputs].map((port) => `  uint64_t *${port.identifier} = malloc(${words(bytesOf(port)) * 8});`),
    ...signature.sizes.map(({ identifier, min }) => `  int32_t ${identifier} = ${min};`),
    `  void *arena = malloc(${signature.arenaBytes} + 1);`,
    ...(external
      ? [
          `  char *room = malloc(${signature.weightsBytes} + ${WEIGHTS_ALIGNMENT});`,
          `  char *weights = room + (${WEIGHTS_ALIGNMENT} - (uintptr_t)room % ${WEIGHTS_ALIGNMENT}) % ${WEIGHTS_ALIGNMENT};`,
          `  FILE *weights_file = opened("${name}_weights.bin", "rb");`,
          `  transfer(weights_file, weights, ${signature.weightsBytes}, 0);`,
          '  fclose(weights_file);',
        ]
      : []),
    `  int status = ${name}_init(&context, arena, ${signature.arenaBytes}${external ? `, weights, ${signature.weightsBytes}` : ''});`,
    ...(signature.threads
      ? [
          `  static ${name}_threads threads;`,
          '  if (status == 0) {',
          `    status = ${name}_start_threads(&context, &threads, ${threadsMacro});`,
          '  }',
        ]
      : []),
  ];
}

/** The files that a main program reads from: one for each input, and one with sizes. */
function inputFiles({ inputs, sizes }: CSignature): string[] {
  return [
    ...(sizes.some(isChosen) ? [`  FILE *file_sizes = opened("${sizesFile}", "rb");`] : []),
    ...inputs.map((port, i) => `  FILE *file_${port.identifier} = opened("${inputFile(i)}", "rb");`),
  ];
}

const closeInputs = ({ inputs, sizes }: CSignature): string[] =>
  [...(sizes.some(isChosen) ? ['sizes'] : []), ...inputs.map(identifierOf)].map((one) => `  fclose(file_${one});`);

/** The end of main. */
function tearDown({ name, inputs, outputs, weights, threads }: CSignature): string[] {
  const held = ['arena', ...(weights === 'external' ? ['room'] : []), ...[...inputs, ...outputs].map(identifierOf)];
  return [
    '  if (status != 0) {',
    `    fprintf(stderr, "%s\\n", ${name}_status_text(status));`,
    '  }',
    ...(threads ? [`  ${name}_end_threads(&context);`] : []),
    ...held.map((one) => `  free(${one});`),
    '  return status;',
    '}',
  ];
}

const identifierOf = ({ identifier }: CPort): string => identifier;

/** What a call of NAME_run or NAME_selftest hands over behind the context. */
const outputArguments = ({ outputs }: CSignature): string =>
  outputs.map((port) => `, (${cStorageType(port.dtype)} *)${port.identifier}`).join('');
const runArguments = (signature: CSignature): string =>
  signature.sizes
    .filter(isChosen)
    .map(({ identifier }) => `, ${identifier}`)
    .join('') +
  signature.inputs.map((port) => `, (const ${cStorageType(port.dtype)} *)${port.identifier}`).join('') +
  outputArguments(signature) +
  signature.sizes
    .filter(isFound)
    .map(({ identifier }) => `, &${identifier}`)
    .join('');

/** Statements that read the sizes and inputs of a run, each from the stream that `stream` names. */
function readInputs(signature: CSignature, stream: (identifier: string) => string): string[] {
  const { inputs, sizes } = signature;
  return [
    ...sizes
      .filter(isChosen)
      .map(({ identifier }) => `transfer(${stream('sizes')}, &${identifier}, sizeof ${identifier}, 0);`),
    ...inputs.map(
      (port) => `transfer(${stream(port.identifier)}, ${port.identifier}, ${bytesText(port, signature)}, 0);`,
    ),
  ];
}

const fileOf = (identifier: string): string => `file_${identifier}`;

/** The stream of the sizes that data decide: it comes behind those of the outputs. */
const foundStream = 'found';

/** The streams that a main program writes. */
const outputStreams = ({ outputs, sizes }: CSignature): string[] => [
  ...outputs.map(identifierOf),
  ...(sizes.some(isFound) ? [foundStream] : []),
];

/** Bytes of an output that are written: all that there may be, where data decide how many count. */
function writtenBytes(port: CPort, signature: CSignature): string {
  const found = new Set(signature.sizes.filter(isFound).map(({ name }) => name));
  const decided = (port.sizes ?? []).flatMap(namesIn).some((name) => found.has(name));
  return decided ? `${bytesOf(port)}` : bytesText(port, signature);
}

/** Statements that write the outputs of a run, and then what it has made of the sizes that the context keeps. */
function writeOutputs(signature: CSignature, stream: (identifier: string) => string): string[] {
  const { outputs, sizes } = signature;
  const grown = sizes.flatMap(({ identifier, grows }) => (grows ? [{ identifier, next: grows.next }] : []));
  return [
    ...outputs.map(
      (port) => `transfer(${stream(port.identifier)}, ${port.identifier}, ${writtenBytes(port, signature)}, 1);`,
    ),
    ...sizes
      .filter(isFound)
      .map(({ identifier }) => `transfer(${stream(foundStream)}, &${identifier}, sizeof ${identifier}, 1);`),
    ...grown.map(({ identifier, next }) => `const int32_t next_${identifier} = ${sizeText(next, sizes)};`),
    ...grown.flatMap(({ identifier }) => [`${identifier} = next_${identifier};`, `(void)${identifier};`]),
  ];
}

/**
 * A main program for the host: reads input0.bin, … (and NAME_weights.bin) from the working directory, runs as often
 * as its first argument says and writes output0.bin, …. Its exit status is the model's status, or 100 when a file can't
 * be read or written. With a second argument `selftest` it runs the self-test before.
 */
export function hostMain(signature: CSignature): string {
  const { name } = signature;
  const streams = outputStreams(signature);
  return `${[
    ...opening(signature),
    ...setUp(signature),
    ...inputFiles(signature),
    ...streams.map((stream, i) => `  FILE *${fileOf(stream)} = opened("${outputFile(i)}", "wb");`),
    '  const int steps = argc > 1 ? atoi(argv[1]) : 1;',
    ...(signature.selftest
      ? [
          '  if (status == 0 && argc > 2 && strcmp(argv[2], "selftest") == 0) {',
          `    status = ${name}_selftest(&context${outputArguments(signature)});`,
          '  }',
        ]
      : []),
    '  for (int step = 0; step < steps && status == 0; step++) {',
    ...readInputs(signature, fileOf).map((line) => `    ${line}`),
    `    status = ${name}_run(&context${runArguments(signature)});`,
    '    if (status != 0) {',
    '      break;',
    '    }',
    ...writeOutputs(signature, fileOf).map((line) => `    ${line}`),
    '  }',
    ...closeInputs(signature),
    ...streams.map((stream) => `  if (fclose(${fileOf(stream)}) != 0) {\n    exit(100);\n  }`),
    ...tearDown(signature),
  ].join('\n')}\n`;
}

/**
 * A main program that runs for as long as there is input: for each run it reads the sizes (i32) and the elements of the
 * inputs from standard input, and writes those of the outputs to standard output. Exit status as that of hostMain.
 */
export function pipeMain(signature: CSignature): string {
  return `${[
    ...opening(signature),
    ...binaryStreams,
    ...setUp(signature),
    '  (void)argc;',
    '  (void)argv;',
    '  begin_binary();',
    '  for (int next = getchar(); next != EOF && status == 0; next = getchar()) {',
    '    ungetc(next, stdin);',
    ...readInputs(signature, () => 'stdin').map((line) => `    ${line}`),
    `    status = ${signature.name}_run(&context${runArguments(signature)});`,
    '    if (status != 0) {',
    '      break;',
    '    }',
    ...writeOutputs(signature, () => 'stdout').map((line) => `    ${line}`),
    '    fflush(stdout);',
    '  }',
    ...tearDown(signature),
  ].join('\n')}\n`;
}

/** Standard input and output without what some systems make of the ends of lines. */
const binaryStreams: readonly string[] = [
  '#ifdef _WIN32',
  '#include <fcntl.h>',
  '#include <io.h>',
  'static void begin_binary(void)',
  '{',
  '  _setmode(_fileno(stdin), _O_BINARY);',
  '  _setmode(_fileno(stdout), _O_BINARY);',
  '}',
  '#else',
  'static void begin_binary(void) {}',
  '#endif',
  '',
];

/** The file of a profile: for each run, the microseconds of each launch as f64. */
export const timesFile = 'times.bin';

/**
 * A main program that times every launch, for code that is compiled with NAME_TRACE: it runs the self-test, then on
 * input0.bin, … as often as its first argument says, for as many milliseconds as the second says and three times at
 * least, and writes times.bin. Exit status as that of hostMain.
 */
export function profileMain(signature: CSignature, launches: number): string {
  const { name } = signature;
  return `${[
    '#define _POSIX_C_SOURCE 199309L',
    ...opening(signature, ['time']),
    `static double times[${Math.max(1, launches)}];`,
    'static double begun;',
    '',
    'static double now(void)',
    '{',
    '  struct timespec time;',
    '  clock_gettime(CLOCK_MONOTONIC, &time);',
    '  return 1e6 * (double)time.tv_sec + 1e-3 * (double)time.tv_nsec;',
    '}',
    '',
    `void ${name}_trace(int launch, const char *layer)`,
    '{',
    '  (void)layer;',
    '  times[launch] = now() - begun;',
    '  begun = now();',
    '}',
    '',
    ...setUp(signature),
    '  const int rounds = argc > 1 ? atoi(argv[1]) : 1;',
    '  const double budget = argc > 2 ? 1e3 * atof(argv[2]) : 0;',
    ...(signature.selftest
      ? ['  if (status == 0) {', `    status = ${name}_selftest(&context${outputArguments(signature)});`, '  }']
      : []),
    ...inputFiles(signature),
    ...readInputs(signature, fileOf).map((line) => `  ${line}`),
    ...closeInputs(signature),
    `  FILE *file = opened("${timesFile}", "wb");`,
    '  const double start = now();',
    '  for (int done = 0; done < rounds && status == 0 && (done < 3 || now() - start < budget); done++) {',
    '    memset(times, 0, sizeof times);',
    '    begun = now();',
    `    status = ${name}_run(&context${runArguments(signature)});`,
    '    transfer(file, times, sizeof times, 1);',
    '  }',
    '  if (fclose(file) != 0) {',
    '    exit(100);',
    '  }',
    ...tearDown(signature),
  ].join('\n')}\n`;
}
