import { invariant } from '../../src/support/diagnostics.ts';
import { bytesOfTensor, elementBytes, type HostTensor } from '../../src/support/tensor.ts';
import type { CPort, CSignature } from './signature.ts';
import { isChosen, isFound, nextSizes, shapeIn } from './sizes.ts';
import { cStorageType } from './types.ts';
import { concatenated, wordArray } from './words.ts';

/** Known inputs and the outputs that belong to them, in the order of the signature. */
export interface SelfTest {
  readonly inputs: readonly HostTensor[];
  readonly outputs: readonly HostTensor[];
  /** |difference| ≤ tolerance · (1 + |expected|) for f32 and f64 outputs. Others must be equal. Default 1e-4. */
  readonly tolerance?: number;
  /** Of a program with open sizes: those of the inputs, and those that data decide in the last run. */
  readonly sizes?: Readonly<Record<string, number>>;
  /** Runs on the same inputs, from states of zero; the outputs are those of the last. Default 1. */
  readonly steps?: number;
}

const isReal = (port: CPort) => port.dtype === 'f32' || port.dtype === 'f64';

/** The elements of a port in the last run of a self-test. */
function countIn(port: CPort, { sizes }: CSignature, test: SelfTest): number {
  let values = new Map(Object.entries(test.sizes ?? {}));
  for (let step = 1; step < (test.steps ?? 1); step++) values = nextSizes(sizes, values);
  return shapeIn(port, values).reduce((n, dim) => n * dim, 1);
}

/** Known inputs and outputs, as arrays `selftest_…`. */
export function selfTestArrays(signature: CSignature, test: SelfTest): Uint8Array[] {
  const { inputs, outputs } = signature;
  const vectors = (ports: readonly CPort[], tensors: readonly HostTensor[]) =>
    ports.flatMap((port, i) => {
      const bytes = bytesOfTensor(tensors[i] as HostTensor);
      const wanted = countIn(port, signature, test) * elementBytes(port.dtype);
      invariant(bytes.length === wanted, `the self-test's '${port.name}' has ${bytes.length} bytes, not ${wanted}`);
      return wordArray(`selftest_${port.identifier}`, bytes, 'static ');
    });
  return [...vectors(inputs, test.inputs), ...vectors(outputs, test.outputs)];
}

/** Statements that return NAME_ERROR_SELFTEST where an output is not as it was. */
export function comparisonLines(signature: CSignature, test: SelfTest): string[] {
  const { name, outputs } = signature;
  return outputs.flatMap((port) => {
    const count = countIn(port, signature, test);
    return isReal(port) ? compareReals(name, port, count, test.tolerance ?? 1e-4) : compareBytes(name, port, count);
  });
}

/** The arrays and the function of NAME_selftest. */
export function selfTestText(signature: CSignature, test: SelfTest): Uint8Array {
  const { name, inputs, outputs, sizes } = signature;
  const chosen = sizes.filter(isChosen).map((size) => `, ${test.sizes?.[size.name]}`);
  const parameters = outputs.map((port) => `,\n    ${cStorageType(port.dtype)} *${port.identifier}`).join('');
  const given = inputs.map(
    (port) => `,\n      (const ${cStorageType(port.dtype)} *)(const void *)selftest_${port.identifier}`,
  );
  const found = sizes.filter(isFound);
  const lines = [
    `int ${name}_selftest(${name}_context *ctx${parameters})`,
    '{',
    ...found.map(({ identifier }) => `  int32_t ${identifier} = 0;`),
    ...runLines(
      signature,
      `(ctx${chosen.join('')}${given.join('')}${outputs.map((port) => `, ${port.identifier}`).join('')}${found.map(({ identifier }) => `, &${identifier}`).join('')})`,
      test.steps,
    ),
    ...found.flatMap(({ name: size, identifier }) => [
      `  if (${identifier} != ${test.sizes?.[size]}) {`,
      `    return ${name}_ERROR_SELFTEST;`,
      '  }',
    ]),
    ...comparisonLines(signature, test),
    `  return ${signature.stateBytes > 0 ? `${name}_reset(ctx)` : `${name}_OK`};`,
    '}',
    '',
    '',
  ];
  return concatenated([...selfTestArrays(signature, test), new TextEncoder().encode(lines.join('\n'))]);
}

/** Runs of the network, until one fails. */
function runLines({ name, stateBytes }: CSignature, args: string, steps = 1): string[] {
  const check = [`if (status != ${name}_OK) {`, '  return status;', '}'];
  if (stateBytes === 0) return [`const int status = ${name}_run${args};`, ...check].map((line) => `  ${line}`);
  return [
    `int status = ${name}_reset(ctx);`,
    `for (int step = 0; step < ${steps} && status == ${name}_OK; step++) {`,
    `  status = ${name}_run${args};`,
    '}',
    ...check,
  ].map((line) => `  ${line}`);
}

function compareBytes(name: string, port: CPort, count: number): string[] {
  const bytes = count * elementBytes(port.dtype);
  return [
    `  if (memcmp(${port.identifier}, selftest_${port.identifier}, ${bytes}) != 0) {`,
    `    return ${name}_ERROR_SELFTEST;`,
    '  }',
  ];
}

function compareReals(name: string, port: CPort, count: number, tolerance: number): string[] {
  const type = cStorageType(port.dtype);
  return [
    `  for (size_t i = 0; i < ${count}; i++) {`,
    `    const double actual = (double)${port.identifier}[i];`,
    `    const double expected = (double)((const ${type} *)(const void *)selftest_${port.identifier})[i];`,
    '    const double difference = actual < expected ? expected - actual : actual - expected;',
    '    const double size = expected < 0 ? -expected : expected;',
    '    const int same = actual == expected || (actual != actual && expected != expected);',
    `    if (!same && !(difference <= ${tolerance} * (1 + size))) {`,
    `      return ${name}_ERROR_SELFTEST;`,
    '    }',
    '  }',
  ];
}
