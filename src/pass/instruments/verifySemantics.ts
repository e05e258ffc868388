import { type Module, quantOf, type Value } from '../../ir/index.ts';
import { QcError } from '../../support/diagnostics.ts';
import type { HostTensor } from '../../support/tensor.ts';
import type { Sample } from '../define.ts';
import type { Instrument, PassRun } from '../run.ts';
import { disagreement, numbersOf } from './compare.ts';
import { seededInputs, signatureOf } from './inputs.ts';
import { LayerValues, type Observe } from './layerValues.ts';

/** Runs @main of a module on inputs by name; gives its outputs by name, and tells `observe` of every op on the way. */
export type Interpret = (module: Module, inputs: Sample, observe: Observe) => Outputs | Promise<Outputs>;
type Outputs = Readonly<Record<string, HostTensor>>;

export interface VerifySemanticsOptions {
  readonly interpret: Interpret;
  /** Inputs to compare on. Default: `count` seeded random ones. */
  readonly inputs?: readonly Sample[];
  /** Number of random inputs. Default 2. */
  readonly count?: number;
}

/**
 * Runs @main before and after each pass on the same inputs and enforces what the pass promises to preserve. A pass
 * that changes the signature of @main, or makes it, cannot be compared and is passed over.
 *
 * Throws, after a pass, a QcError that names the pass, the output, the largest difference and the first layer that
 * differs.
 */
export function verifySemantics({ interpret, inputs, count = 2 }: VerifySemanticsOptions): Instrument {
  let state: { module: Module; signature: string; runs: readonly Observed[] } | undefined;

  const observe = async (module: Module) => {
    const samples = inputs ?? Array.from({ length: count }, (_, i) => seededInputs(module, i + 1));
    const runs: Observed[] = [];
    for (const sample of samples) {
      const layers = new LayerValues();
      runs.push({ outputs: await interpret(module, sample, layers.observe), layers });
    }
    return { module, signature: signatureOf(module), runs };
  };
  /** The first run is on the model as it came: when it fails, the inputs are to blame and not a pass. */
  const observeFirst = async (module: Module) => {
    try {
      return await observe(module);
    } catch (error) {
      if (inputs || !(error instanceof QcError)) throw error;
      throw new QcError({
        what: `the model does not run on random inputs: ${error.diagnostic.what}`,
        where: error.diagnostic.where,
        why: 'symbolic dimensions get small sizes, which may not fit one another',
        help: 'give samples to compare on',
      });
    }
  };
  return {
    async before(_run, module) {
      if (!module.functions.has('main')) state = undefined;
      else if (state?.module !== module || state.signature !== signatureOf(module)) state = await observeFirst(module);
    },
    async after(run, module) {
      const before = state;
      state = module.functions.has('main') ? await observe(module) : undefined;
      if (!before || !state || before.signature !== state.signature) return;
      const now = state.runs;
      before.runs.forEach((earlier, i) => {
        compareOutputs(run, module, earlier, now[i] as Observed);
      });
    },
    failed() {
      state = undefined;
    },
  };
}

/** One run: the outputs, and what each layer gave. */
interface Observed {
  readonly outputs: Outputs;
  readonly layers: LayerValues;
}

function compareOutputs({ pass }: PassRun, module: Module, earlier: Observed, now: Observed): void {
  const [before, after] = [earlier.outputs, now.outputs];
  const fail = (name: string, what: string): never => {
    const first = now.layers.firstDifference(earlier.layers, pass.preserves);
    throw new QcError({
      what: `the pass '${pass.name}' changes the results: output '${name}' ${what}`,
      where: first === undefined ? `output '${name}' of @main` : `first in ${first}`,
      why: 'every pass states what it preserves, and this one does not keep to it',
    });
  };
  for (const [name, expected] of Object.entries(before)) {
    const actual = after[name];
    if (!actual) {
      fail(name, 'is missing');
      continue;
    }
    const found = disagreement(expected, actual, pass.preserves, quantumOf(module, name, expected));
    if (found) fail(name, found.what);
  }
}

/**
 * Step between two codes of an output: 1 for an output of codes; else the largest scale of the quantized value that
 * it is a dequantization of; 1/255 of the largest magnitude where there is none.
 */
function quantumOf(module: Module, name: string, values: HostTensor): number {
  const { main } = module;
  let value: Value | undefined = main.body.last?.operands[main.resultNames.indexOf(name)];
  if (value?.type.kind === 'tensor' && (quantOf(value.type) || !isFloatTensor(values))) return 1;
  while (value?.type.kind === 'tensor') {
    const params = quantOf(value.type)?.params;
    if (params) return Math.max(...params.scale);
    const moved: boolean = value.op?.definition.typing === 'moves' || value.op?.name === 'quant.dcast';
    value = moved ? value.op?.operands[0] : undefined;
  }
  let magnitude = 0;
  for (const v of numbersOf(values)) magnitude = Math.max(magnitude, Math.abs(v));
  return (magnitude || 1) / 255;
}

function isFloatTensor({ data }: HostTensor): boolean {
  return data instanceof Float32Array || data instanceof Float64Array;
}
