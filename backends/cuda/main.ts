import { elementBytes } from '../../src/support/tensor.ts';
import { inputFile, outputFile, transferFunctions } from '../c/host.ts';
import { comparisonLines, type SelfTest, selfTestArrays } from '../c/selftest.ts';
import { type CPort, type CSignature, countOf } from '../c/signature.ts';
import { cStorageType } from '../c/types.ts';
import { concatenated } from '../c/words.ts';
import { selfTestText } from './header.ts';

/** The arrays and the function of NAME_selftest. */
export function selfTestSource(signature: CSignature, test: SelfTest): Uint8Array {
  const { name, inputs, outputs, stateBytes } = signature;
  const given = inputs.map((port) => `(const ${cStorageType(port.dtype)} *)(const void *)selftest_${port.identifier}`);
  const args = ['model', ...given, ...outputs.map(({ identifier }) => identifier), 'stream'];
  const steps = test.steps ?? 1;
  const run = `${name}_run(${args.join(',\n      ')})`;
  const lines = [
    `int ${name}_selftest${selfTestText(signature)}`,
    '{',
    ...(stateBytes > 0
      ? [
          `  int status = ${name}_reset(model, stream);`,
          `  for (int step = 0; step < ${steps} && status == ${name}_OK; step++) {`,
          `    status = ${run};`,
          '  }',
        ]
      : [`  const int status = ${run};`]),
    `  if (status != ${name}_OK) {`,
    '    return status;',
    '  }',
    '  if (cudaStreamSynchronize(stream) != cudaSuccess) {',
    `    return ${name}_ERROR_CUDA;`,
    '  }',
    ...comparisonLines(signature, test),
    `  return ${stateBytes > 0 ? `${name}_reset(model, stream)` : `${name}_OK`};`,
    '}',
    '',
    '',
  ];
  return concatenated([...selfTestArrays(signature, test), new TextEncoder().encode(lines.join('\n'))]);
}

export const bytesOf = (port: CPort): number => countOf(port) * elementBytes(port.dtype);

const typed = (port: CPort) => `(${cStorageType(port.dtype)} *)${port.identifier}`;

/** What main passes to NAME_run and NAME_selftest. */
export const runArguments = ({ inputs, outputs }: CSignature): string =>
  ['&model', ...[...inputs, ...outputs].map(typed), 'NULL'].join(', ');
export const outputArguments = ({ outputs }: CSignature): string =>
  ['&model', ...outputs.map(typed), 'NULL'].join(', ');

/** The beginning of main: memory, weights and a model; `status` says whether all is well. */
export function openLines(signature: CSignature): string[] {
  const { name, inputs, outputs } = signature;
  const external = signature.weights === 'external';
  return [
    `  ${name}_model model;`,
    ...[...inputs, ...outputs].map((port) => `  void *${port.identifier} = malloc(${Math.max(1, bytesOf(port))});`),
    ...(external
      ? [
          `  void *weights = malloc(${name}_WEIGHTS_BYTES);`,
          `  FILE *weights_file = opened("${name}_weights.bin", "rb");`,
          `  transfer(weights_file, weights, ${name}_WEIGHTS_BYTES, 0);`,
          '  fclose(weights_file);',
        ]
      : []),
    `  int status = ${name}_create(&model${external ? `, weights, ${name}_WEIGHTS_BYTES` : ''});`,
  ];
}

/** The end of main: says what went wrong, or `well`, C statements; gives all memory back. */
export function closeLines(signature: CSignature, well: readonly string[] = []): string[] {
  const { name, inputs, outputs } = signature;
  const external = signature.weights === 'external';
  return [
    '  if (status != 0) {',
    `    fprintf(stderr, "${name}: %s (%s)\\n", ${name}_status_text(status), cudaGetErrorString(cudaPeekAtLastError()));`,
    ...well,
    '  }',
    `  ${name}_destroy(&model);`,
    ...[...(external ? ['weights'] : []), ...[...inputs, ...outputs].map(({ identifier }) => identifier)].map(
      (it) => `  free(${it});`,
    ),
    '  return status;',
  ];
}

/**
 * A main program, where NAME_MAIN is defined. Without arguments it runs the self-test; with a number it reads
 * input0.bin, … from the working directory, runs so often and writes output0.bin, …. Weights that are external are
 * read from NAME_weights.bin. Its exit status is the model's, or 100 when a file can't be read or written.
 */
export function mainText(signature: CSignature): string {
  const { name, inputs, outputs } = signature;
  return `${[
    `#ifdef ${name}_MAIN`,
    '#include <stdio.h>',
    '#include <stdlib.h>',
    '',
    ...transferFunctions,
    'int main(int argc, char **argv)',
    '{',
    ...openLines(signature),
    '  if (status == 0 && argc > 1) {',
    ...inputs.map((port, i) => `    FILE *file_${port.identifier} = opened("${inputFile(i)}", "rb");`),
    ...outputs.map((port, i) => `    FILE *file_${port.identifier} = opened("${outputFile(i)}", "wb");`),
    '    for (int step = 0; step < atoi(argv[1]) && status == 0; step++) {',
    ...inputs.map((port) => `      transfer(file_${port.identifier}, ${port.identifier}, ${bytesOf(port)}, 0);`),
    `      status = ${name}_run(${runArguments(signature)});`,
    '      if (status == 0 && cudaStreamSynchronize(NULL) != cudaSuccess) {',
    `        status = ${name}_ERROR_CUDA;`,
    '      }',
    ...outputs.map((port) => `      transfer(file_${port.identifier}, ${port.identifier}, ${bytesOf(port)}, 1);`),
    '    }',
    ...inputs.map((port) => `    fclose(file_${port.identifier});`),
    ...outputs.map((port) => `    if (fclose(file_${port.identifier}) != 0) {\n      exit(100);\n    }`),
    '  }',
    ...(signature.selftest
      ? ['  if (status == 0 && argc == 1) {', `    status = ${name}_selftest(${outputArguments(signature)});`, '  }']
      : []),
    ...closeLines(signature, [
      '  } else if (argc == 1) {',
      `    printf("${name}: ${signature.selftest ? 'the self-test holds' : 'created'}\\n");`,
    ]),
    '}',
    '#endif',
  ].join('\n')}\n`;
}
