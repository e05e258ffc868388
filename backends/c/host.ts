import { elementBytes } from '../../src/support/tensor.ts';
import { WEIGHTS_ALIGNMENT } from './header.ts';
import { type CSignature, countOf } from './signature.ts';
import { cStorageType } from './types.ts';

/** Compilers to try, in order. */
export const hostCompilers = ['cc', 'gcc', 'clang'] as const;

/** Options that every build of generated code takes. */
export const hostFlags = ['-std=c99', '-ffp-contract=off', '-fno-math-errno'] as const;

/** The file names of a run: inputs and outputs are the raw elements. */
export const inputFile = (i: number): string => `input${i}.bin`;
export const outputFile = (i: number): string => `output${i}.bin`;

/**
 * A main program for the host: reads input0.bin, … (and NAME_weights.bin) from the working directory, runs once and
 * writes output0.bin, …. Its exit status is the model's status, or 100 when a file can't be read or written.
 * With the argument `selftest` it runs the self-test before.
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
    'static void transfer(const char *path, void *data, size_t bytes, int writes)',
    '{',
    '  FILE *file = fopen(path, writes ? "wb" : "rb");',
    '  const size_t done = !file ? 0 : writes ? fwrite(data, 1, bytes, file) : fread(data, 1, bytes, file);',
    '  if (!file || done != bytes || fclose(file) != 0) {',
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
          `  transfer("${name}_weights.bin", weights, ${signature.weightsBytes}, 0);`,
        ]
      : []),
    ...inputs.map((port, i) => `  transfer("${inputFile(i)}", ${port.identifier}, ${bytes(port)}, 0);`),
    `  int status = ${name}_init(&context, arena, ${signature.arenaBytes}${external ? `, weights, ${signature.weightsBytes}` : ''});`,
    ...(signature.selftest
      ? [
          '  if (status == 0 && argc > 1 && strcmp(argv[1], "selftest") == 0) {',
          `    status = ${name}_selftest(&context${outputArgs});`,
          '  }',
        ]
      : ['  (void)argc;', '  (void)argv;']),
    '  if (status == 0) {',
    `    status = ${name}_run(&context${inputArgs}${outputArgs});`,
    '  }',
    '  if (status == 0) {',
    ...outputs.map((port, i) => `    transfer("${outputFile(i)}", ${port.identifier}, ${bytes(port)}, 1);`),
    '  } else {',
    `    fprintf(stderr, "%s\\n", ${name}_status_text(status));`,
    '  }',
    ...['arena', ...(external ? ['room'] : []), ...ports.map((port) => port.identifier)].map((it) => `  free(${it});`),
    '  return status;',
    '}',
  ].join('\n')}\n`;
}
