import { type Module, quantOf, type Registry, type TensorType, type Value } from '../../ir/index.ts';
import { QcError } from '../../support/diagnostics.ts';
import type { HostTensor } from '../../support/tensor.ts';
import { companionBytes, type LazyText, parse, printModuleLazily } from '../../text/index.ts';
import type { Preserves, Sample } from '../define.ts';
import type { Instrument, PassRun } from '../run.ts';
import { disagreement } from './compare.ts';
import { edgeInputs, seededInputs, signatureOf, stretchedInputs } from './inputs.ts';
import { LayerValues, type RunHooks } from './layerValues.ts';

/**
 * Runs @main of a module on inputs by name; gives its outputs by name, codes as the real numbers that they stand for,
 * and tells `hooks` of every op on the way. Where an argument takes codes, reals are rounded to them.
 */
export type Interpret = (module: Module, inputs: Sample, hooks: RunHooks) => Outputs | Promise<Outputs>;
type Outputs = Readonly<Record<string, HostTensor>>;

export interface VerifySemanticsOptions {
  readonly interpret: Interpret;
  readonly registry: Registry;
  /** Inputs to compare on. Default: `count` seeded random ones. */
  readonly inputs?: readonly Sample[];
  /** Number of random inputs. Default 2. */
  readonly count?: number;
}

/** A sample, and whether it is beyond what a loss that was measured on ordinary ones can be held to. */
interface Input {
  readonly sample: Sample;
  readonly atEdges: boolean;
}

/** One run: what went in, the outputs, and what each layer gave. */
interface Run {
  readonly input: Input;
  readonly outputs: Outputs;
  readonly layers: LayerValues;
}

/** A module at one moment, and its runs. */
interface Observation {
  readonly module: Module;
  readonly signature: string;
  /** Names and shapes of the arguments. */
  readonly shapes: string;
  readonly text: string;
  /** For a copy of the module as it is now. */
  readonly lazy: LazyText;
  readonly runs: readonly Run[];
}

/**
 * Runs @main before and after each pass on the same inputs, and on inputs at the edges (ties, zeros, saturation), and
 * enforces what the pass promises to preserve; a stated loss is not asked of the edges, and is one of each layer: every
 * layer is compared on what the layers before it give after the pass. A pass that has changed nothing
 * is not run again. One that changes the sizes or the element types of @main's arguments is compared on the inputs
 * after it; one that changes their names, or makes @main, cannot be compared.
 *
 * Throws, after a pass, a QcError that names the pass, the output, the largest difference and the first layer that
 * differs.
 */
export function verifySemantics({ interpret, registry, inputs, count = 2 }: VerifySemanticsOptions): Instrument {
  let state: Observation | undefined;

  const inputsOf = (module: Module): Input[] => {
    const [first] = inputs ?? [];
    const edge = first ? stretchedInputs(first) : edgeInputs(module, 1);
    const ordinary = inputs ?? Array.from({ length: count }, (_, i) => seededInputs(module, i + 1));
    return [...ordinary.map((sample) => ({ sample, atEdges: false })), { sample: edge, atEdges: true }];
  };
  const runOn = async (module: Module, input: Input, replace?: RunHooks['replace']): Promise<Run> => {
    const layers = new LayerValues();
    const hooks = { observe: layers.observe, ...(replace ? { replace } : {}) };
    return { input, outputs: await interpret(module, input.sample, hooks), layers };
  };
  const runAll = async (module: Module, given: readonly Input[]): Promise<Run[]> => {
    const runs: Run[] = [];
    for (const input of given) runs.push(await runOn(module, input));
    return runs;
  };
  const observe = async (module: Module, given: readonly Input[]): Promise<Observation> => {
    const lazy = printModuleLazily(module);
    const [signature, shapes, text] = [signatureOf(module), shapesOf(module), lazy.text()];
    return { module, signature, shapes, text, lazy, runs: await runAll(module, given) };
  };
  /** The first run is on the model as it came: when it fails, the inputs are to blame and not a pass. */
  const observeFirst = async (module: Module) => {
    try {
      return await observe(module, inputsOf(module));
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
  const copyOf = ({ lazy }: Observation): Module => parse(lazy.text(), { registry, bin: companionBytes(lazy.large) });
  /** The runs before a pass that belong to those after it: where it may lose something, layer by layer. */
  const earlierRuns = async (before: Observation, now: Observation, promise: Preserves): Promise<readonly Run[]> => {
    const same = now.runs.every(({ input }, i) => input === before.runs[i]?.input);
    if (same && !isLossy(promise)) return before.runs;
    const copy = copyOf(before);
    if (!isLossy(promise))
      return runAll(
        copy,
        now.runs.map(({ input }) => input),
      );
    const runs: Run[] = [];
    for (const { input, layers } of now.runs) {
      if (!isAsked(promise, input)) continue;
      runs.push(await runOn(copy, input, layers.leading(copy, promise)));
    }
    return runs;
  };

  return {
    async before(_run, module) {
      if (!module.functions.has('main')) state = undefined;
      else if (state?.module !== module || state.signature !== signatureOf(module)) state = await observeFirst(module);
    },
    async after(run, module) {
      const before = state;
      if (!module.functions.has('main')) {
        state = undefined;
        return;
      }
      if (before?.module === module && before.text === printModuleLazily(module).text()) return;
      const same = before?.shapes === shapesOf(module) ? before.runs.map(({ input }) => input) : undefined;
      state = await observe(module, same ?? inputsOf(module));
      if (!before || namesOf(before.shapes) !== namesOf(state.shapes)) return;
      const { preserves } = run.pass;
      const earlier = await earlierRuns(before, state, preserves);
      const asked = state.runs.filter(({ input }) => isAsked(preserves, input));
      for (const [i, now] of asked.entries()) compareOutputs(run, module, earlier[i] as Run, now);
    },
    failed() {
      state = undefined;
    },
  };
}

const isNoisy = (promise: Preserves): boolean => typeof promise === 'object' && 'snr' in promise;

/** What was measured on ordinary inputs is not asked of those at the edges. */
const isAsked = (promise: Preserves, input: Input): boolean => !(isNoisy(promise) && input.atEdges);

/** Whether what is promised is about single layers: errors of several add up. */
const isLossy = (promise: Preserves): boolean =>
  isNoisy(promise) || (typeof promise === 'object' && 'quanta' in promise);

/** Names and shapes of @main's arguments, one a line. */
function shapesOf(module: Module): string {
  const { args } = module.main.body;
  return args.map(({ name, type }) => JSON.stringify([name, `${(type as TensorType).shape}`])).join('\n');
}

const namesOf = (shapes: string): string =>
  shapes
    .split('\n')
    .map((line) => (line === '' ? '' : JSON.parse(line)[0]))
    .join('\n');

function resultOf({ main }: Module, name: string): Value | undefined {
  return main.body.last?.operands[main.resultNames.indexOf(name)];
}

function compareOutputs({ pass }: PassRun, module: Module, earlier: Run, now: Run): void {
  const [before, after] = [earlier.outputs, now.outputs];
  const fail = (name: string, what: string): never => {
    const first = now.layers.firstDifference(earlier.layers, pass.preserves, resultOf(module, name));
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
 * Step between two values of an output: 1 for integers; else the largest scale of the quantized value that it is, or
 * is a dequantization of; undefined where there is none.
 */
function quantumOf(module: Module, name: string, values: HostTensor): number | undefined {
  if (!isFloatTensor(values)) return 1;
  let value = resultOf(module, name);
  while (value?.type.kind === 'tensor') {
    const params = quantOf(value.type)?.params;
    if (params) return Math.max(...params.scale);
    const moved: boolean = value.op?.definition.typing === 'moves' || value.op?.name === 'quant.dcast';
    value = moved ? value.op?.operands[0] : undefined;
  }
  return undefined;
}

function isFloatTensor({ data }: HostTensor): boolean {
  return data instanceof Float32Array || data instanceof Float64Array;
}
