import { foundSizes } from '../../passes/foundSizes.ts';
import { type InterpretOptions, interpret, Stream } from '../interpret/index.ts';
import {
  bindDim,
  bitsOf,
  integerRange,
  isInteger,
  type Module,
  sizeIn,
  storageOf,
  symbol,
  symbolsOf,
  type TensorType,
  type Value,
} from '../ir/index.ts';
import { decodeBf16, decodeF16 } from '../numerics/index.ts';
import type { Sample } from '../pass/index.ts';
import { invariant } from '../support/diagnostics.ts';
import { bytesOfTensor, type DType, elementCount, type HostTensor } from '../support/tensor.ts';
import { toBase64 } from '../text/base64.ts';
import { RandomResource } from '../text/index.ts';
import { sha256 } from './digest.ts';
import type { QuantizationSummary } from './layers.ts';
import type { Manifest } from './manifest.ts';
import { growthsOf, signatureOf } from './signature.ts';

/** Outputs of more bytes are kept as a hash alone. */
const inlineLimit = 16384;

/** Inputs made by rule, and what the program must answer. */
export interface SelfTest {
  /** How the inputs are made: the same text for every artifact of this format. */
  readonly rule: string;
  readonly inputs: readonly SelfTestInput[];
  /** Of a program with open sizes: those of these inputs, and those that data decide in the last run. */
  readonly sizes?: Readonly<Record<string, number>>;
  /** Of a program with states: how often it runs on these inputs, from states of zero, for these outputs. */
  readonly steps?: number;
  readonly outputs: readonly SelfTestOutput[];
  /** Who made the outputs. */
  readonly madeBy: 'interpreter';
  /**
   * How near an artifact must come: float outputs within tolerance·(1 + |expected|), all others exactly. An output
   * that is kept as a hash alone must be equal where it is not float.
   */
  readonly tolerance: number;
}

export interface SelfTestInput {
  readonly name: string;
  readonly seed: number;
  readonly low: number;
  readonly high: number;
}

export interface SelfTestOutput {
  readonly name: string;
  readonly sha256: string;
  /** The bytes, little-endian and row-major. */
  readonly base64?: string;
}

const rule =
  'mulberry32 of the seed gives u in [0, 1) for each element in order; a float is low + u·(high − low) in f64, rounded to its type; an integer is floor(low + u·(high − low + 1))';

/** Runs of a self-test where something is kept between runs. */
const statefulSteps = 3;

/** A self-test with its tensors, in the order of the signature. */
export interface SelfTestVector extends Check {
  readonly described: SelfTest;
}

/**
 * Makes the self-test of a module in which values are still tensors, by the interpreter.
 * @param check called before every op: what it throws ends the test
 */
export async function makeSelfTest(
  module: Module,
  quantization: QuantizationSummary,
  check: () => void = () => {},
): Promise<SelfTestVector> {
  const args = publicArguments(module);
  const described = args.map(({ name, type }, i): SelfTestInput => {
    return { name, seed: i + 1, ...rangeOf(name, type, quantization) };
  });
  const sizes = testSizes(module);
  const inputs = args.map(({ type: { element, shape } }, i) => {
    const known = shape.map((dim) => bindDim(dim, sizes)) as number[];
    return seededTensor(storageOf(element) as DType, known, described[i] as SelfTestInput);
  });
  const named = Object.fromEntries(described.map(({ name }, i) => [name, inputs[i] as HostTensor]));
  const steps = module.states.length === 0 || changesSizes(module, args) ? 1 : stepsWithRoom(module, sizes);
  const stream = new Stream(module);
  for (let step = 1; step < steps; step++) stream.run(named, { check });
  const given = { ...stream.states, ...named };
  const found = new Map<string, number>();
  const results = publicResults(module, stream.run(named, { check, observe: foundObserver(module, found) }));
  const outputs: SelfTestOutput[] = [];
  for (const [name, tensor] of Object.entries(results)) {
    const bytes = bytesOfTensor(tensor);
    const base64 = bytes.length <= inlineLimit ? { base64: toBase64(bytes) } : {};
    outputs.push({ name, sha256: await sha256(bytes), ...base64 });
  }
  const tolerance = returnsToCodes(module) ? 2e-2 : floatTolerance(module, given, results, check);
  return {
    described: {
      rule,
      inputs: described,
      ...(sizes.size + found.size > 0 ? { sizes: Object.fromEntries([...sizes, ...found]) } : {}),
      ...(steps > 1 ? { steps } : {}),
      outputs,
      madeBy: 'interpreter',
      tolerance,
    },
    states: {},
    inputs,
    steps,
    outputs: Object.values(results),
  };
}

/** What notes the sizes that data decide. */
function foundObserver(module: Module, into: Map<string, number>): NonNullable<InterpretOptions['observe']> {
  const symbols = new Set(foundSizes(module).keys());
  return (op, { shape }, i) => {
    ((op.results[i] as Value).type as TensorType).shape.forEach((dim, axis) => {
      for (const name of symbolsOf(dim)) {
        if (symbols.has(name) && dim === symbol(name)) into.set(name, shape[axis] as number);
      }
    });
  };
}

/** A size that leaves parts of vectors over, within the bounds of each symbol. */
const preferredSize = 7;

function testSizes(module: Module): Map<string, number> {
  const signature = signatureOf(module);
  const growths = growthsOf(signature);
  return new Map(
    Object.entries(signature.symbols ?? {}).map(([name, { min, max }]) => [
      name,
      growths.has(name) ? 0 : Math.min(max, Math.max(min, preferredSize)),
    ]),
  );
}

/** Whether inputs grow with the states: the same ones do not fit a second time. */
function changesSizes(module: Module, args: readonly { readonly type: TensorType }[]): boolean {
  const growths = growthsOf(signatureOf(module));
  return args.some(({ type }) => type.shape.some((dim) => [...symbolsOf(dim)].some((name) => growths.has(name))));
}

/** Runs of the self-test for which growing states have room. */
function stepsWithRoom(module: Module, begun: ReadonlyMap<string, number>): number {
  const growths = [...growthsOf(signatureOf(module))];
  let sizes = new Map(begun);
  for (let steps = 0; steps < statefulSteps; steps++) {
    const grown = growths.map(([name, { next }]): [string, number] => [name, sizeIn(next, sizes) ?? 0]);
    if (grown.some(([, size], i) => size > (growths[i]?.[1].max ?? 0))) return Math.max(1, steps);
    sizes = new Map([...sizes, ...grown]);
  }
  return statefulSteps;
}

/** The arguments that a caller gives: all but states. */
function publicArguments({ main, states }: Module): { name: string; type: TensorType }[] {
  return main.body.args
    .map((arg, i) => ({ name: arg.name ?? `input${i}`, type: arg.type as TensorType }))
    .filter(({ name }) => !states.some(({ input }) => input === name));
}

/** The results that a caller gets: all but states. */
function publicResults({ states }: Module, results: Readonly<Record<string, HostTensor>>): Record<string, HostTensor> {
  return Object.fromEntries(Object.entries(results).filter(([name]) => !states.some(({ output }) => output === name)));
}

/** Least tolerance of float outputs. */
const leastTolerance = 1e-4;

/** How much further than the interpreter's own rounding a program may be from it: it adds in another order. */
const roundingFactor = 8;

/** A model may amplify rounding errors: what single precision costs the interpreter itself says how much. */
function floatTolerance(module: Module, inputs: Sample, single: Sample, check: () => void): number {
  const double = publicResults(module, interpret(module, inputs, { precision: 'f64', check }));
  return Math.max(leastTolerance, roundingFactor * selfTestError(Object.values(single), Object.values(double)));
}

/** Tensors that a program takes, and those that it must answer with, in the order of the signature. */
export interface Check {
  /** States that are set before; the others go on from the check before. */
  readonly states: Readonly<Record<string, HostTensor>>;
  readonly inputs: readonly HostTensor[];
  /** Runs on these inputs; the outputs are those of the last. */
  readonly steps: number;
  readonly outputs: readonly HostTensor[];
}

/** What the interpreter answers on the first `count` samples. They never go into an artifact. */
export function checksOn(module: Module, samples: Iterable<Sample>, count: number): Check[] {
  const checks: Check[] = [];
  if (count === 0) return checks;
  const args = publicArguments(module);
  const stream = new Stream(module);
  for (const sample of samples) {
    const inputs = args.map(({ name }) => sample[name] as HostTensor);
    const given = Object.entries(sample).filter(([name]) => module.states.some(({ input }) => input === name));
    const states = { ...(checks.length === 0 ? stream.states : {}), ...Object.fromEntries(given) };
    checks.push({ states, inputs, steps: 1, outputs: Object.values(publicResults(module, stream.run(sample))) });
    if (checks.length === count) break;
  }
  return checks;
}

/** The largest |difference| / (1 + |expected|) of float tensors; infinite where others differ at all. */
export function selfTestError(expected: readonly HostTensor[], actual: readonly HostTensor[]): number {
  let worst = 0;
  expected.forEach((tensor, i) => {
    const other = actual[i];
    if (!other || other.data.length !== tensor.data.length) worst = Number.POSITIVE_INFINITY;
    else worst = Math.max(worst, tensorError(tensor, other));
  });
  return worst;
}

/** Numbers of floats that are stored as their bits. */
const decoders: Partial<Record<DType, (bits: number) => number>> = { f16: decodeF16, bf16: decodeBf16 };

function tensorError({ dtype, data }: HostTensor, other: HostTensor): number {
  const decode = decoders[dtype];
  const real = dtype === 'f32' || dtype === 'f64' || decode !== undefined;
  let worst = 0;
  for (let i = 0; i < data.length; i++) {
    const [a, b] = [data[i] as number, other.data[i] as number].map(decode ?? ((v) => v)) as [number, number];
    if (Object.is(a, b) || a === b) continue;
    const error = real ? Math.abs(a - b) / (1 + Math.abs(a)) : Number.POSITIVE_INFINITY;
    worst = Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
  }
  return worst;
}

/** Values that the model is made for, where quantization knows them. */
function rangeOf(
  name: string,
  { element }: TensorType,
  { inputs }: QuantizationSummary,
): { low: number; high: number } {
  const storage = storageOf(element);
  if (typeof element !== 'string') return { low: integerRange(storage)[0], high: integerRange(storage)[1] };
  if (isInteger(storage)) return bitsOf(storage) > 8 ? { low: 0, high: 1 } : { low: 0, high: 127 };
  const known = inputs[name];
  if (!known || typeof known.scale !== 'number') return { low: -1, high: 1 };
  return { low: (-128 - known.zeroPoint) * known.scale, high: (127 - known.zeroPoint) * known.scale };
}

/** The inputs of an artifact's self-test, by name. */
export function selfTestInputs({ signature, selfTest }: Pick<Manifest, 'signature' | 'selfTest'>): Sample {
  return Object.fromEntries(
    signature.inputs.map(({ name, dtype, shape }): [string, HostTensor] => {
      const input = selfTest.inputs.find((one) => one.name === name);
      invariant(input, 'the self-test names every input');
      return [name, seededTensor(dtype, shape.map(Number), input)];
    }),
  );
}

function seededTensor(dtype: DType, shape: readonly number[], { name, seed, low, high }: SelfTestInput): HostTensor {
  return { dtype, shape, data: new RandomResource(name, dtype, elementCount(shape), seed, { low, high }).data() };
}

/** Whether float results become codes again: there a last bit of a float can move a code. */
function returnsToCodes(module: Module): boolean {
  for (const op of module.ops()) {
    if (op.name !== 'quant.qcast') continue;
    let value = op.operands[0];
    while (value?.op?.definition.typing === 'moves') value = value.op.operands[0];
    if (value?.op) return true;
  }
  return false;
}
