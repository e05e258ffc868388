import { elementBytes } from '../../src/support/tensor.ts';
import { WEIGHTS_ALIGNMENT } from './header.ts';
import { type CSignature, countOf } from './signature.ts';
import { cStorageType } from './types.ts';

/** Compilers to try, in order. */
export const hostCompilers = ['cc', 'gcc', 'clang'] as const;

/** Options that every build of generated code takes. */
export const hostFlags = ['-std=c99', '-ffp-contract=off', '-fno-math-errno'] as const;

/** The file names of a run: inputs and outputs are the raw elements, those of each step behind the last one's. */
export const inputFile = (i: number): string => `input${i}.bin`;
export const outputFile = (i: number): string => `output${i}.bin`;

/**
 * A main program for the host: reads input0.bin, … (and NAME_weights.bin) from the working directory, runs as often
 * as its first argument says and writes output0.bin, …. Its exit status is the model's status, or 100 when a file can't
 * be read or written. With a second argument `selftest` it runs the self-test before.
 */
export function hostMain(signature: CSignature): string {
  const { name, inputs, outputs } = signature;
  const ports = [...inputs, ...outputs];
  const bytes = (port: (typeof ports)[number]) => countOf(port) * elementBytes(port.dtype);
  const external = signature.weights === 'external';
  const words = (n: number) => Math.max(1, Math.ceil(n / 8));
  const outputArgs = outputs.map((port) => `, (${cStorageType(port.dtype)} *)${port.identifier}`).join('');
  const inputArgs = inputs.map((port) => `, (const ${cStorageType(port.dtype)} *)${port.identifier}`).join('');
  return `${[
    `#include "${name}.h"`,
    '#include <stdio.h>',
    '#include <stdlib.h>',
    '#include <string.h>',
    '',
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
    'int main(int argc, char **argv)',
    '{',
    `  ${name}_context context;`,
    ...ports.map((port) => `  uint64_t *${port.identifier} = malloc(${words(bytes(port)) * 8});`),
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
    ...inputs.map((port, i) => `  FILE *file_${port.identifier} = opened("${inputFile(i)}", "rb");`),
    ...outputs.map((port, i) => `  FILE *file_${port.identifier} = opened("${outputFile(i)}", "wb");`),
    '  const int steps = argc > 1 ? atoi(argv[1]) : 1;',
    `  int status = ${name}_init(&context, arena, ${signature.arenaBytes}${external ? `, weights, ${signature.weightsBytes}` : ''});`,
    ...(signature.selftest
      ? [
          '  if (status == 0 && argc > 2 && strcmp(argv[2], "selftest") == 0) {',
          `    status = ${name}_selftest(&context${outputArgs});`,
          '  }',
        ]
      : []),
    '  for (int step = 0; step < steps && status == 0; step++) {',
    ...inputs.map((port) => `    transfer(file_${port.identifier}, ${port.identifier}, ${bytes(port)}, 0);`),
    `    status = ${name}_run(&context${inputArgs}${outputArgs});`,
    ...outputs.map((port) => `    transfer(file_${port.identifier}, ${port.identifier}, ${bytes(port)}, 1);`),
    '  }',
    ...outputs.map((port) => `  if (fclose(file_${port.identifier}) != 0) {\n    exit(100);\n  }`),
    ...inputs.map((port) => `  fclose(file_${port.identifier});`),
    '  if (status != 0) {',
    `    fprintf(stderr, "%s\\n", ${name}_status_text(status));`,
    '  }',
    ...['arena', ...(external ? ['room'] : []), ...ports.map((port) => port.identifier)].map((it) => `  free(${it});`),
    '  return status;',
    '}',
  ].join('\n')}\n`;
}
