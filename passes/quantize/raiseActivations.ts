import { knownCount } from '../../dialects/nn/axes.ts';
import { conv } from '../../dialects/nn/conv.ts';
import { observe } from '../../dialects/quant/observe.ts';
import { emptyStatistics, loadRange, parseStatistics, printStatistics } from '../../src/calibrate/index.ts';
import { attr, type Module, type Op, Rewriter, type TensorType, type Value } from '../../src/ir/index.ts';
import { elementary } from '../../src/numerics/index.ts';
import { definePass, type PassContext, type Sample } from '../../src/pass/define.ts';
import { activationOperands, isFloat32 } from './capabilities.ts';
import { activationType } from './constantType.ts';
import { skipOption } from './keptInFloat.ts';
import { LayerSchemes, recipeOption } from './layerSchemes.ts';
import { noiseShare, outputsOf, type Powers, powersIn } from './outputNoise.ts';
import { planQuantization, type QuantizationPlan } from './plan.ts';
import { spread } from './spreadSamples.ts';
import { type Group, SwitchedRounding } from './switchedRounding.ts';

/** Groups of neighbouring values that are measured apart; one value each where there are no more. */
const mostGroups = 32;

/** Multiply-adds that a measurement may take, and the samples that it takes in any case. */
const effort = { multiplyAdds: 4e9, least: 2 };

/** Samples at most, for all values together and for each group. */
const mostSamples = { together: 64, apart: 16 };

/** The share of the multiply-adds up to which 16 bits cost next to nothing. */
const littleWork = 1 / 8;

/**
 * Chooses the values whose codes get 16 bits: those of recipes that say so, and, where rounding all leaves less than
 * `least_snr` of the model's results, those whose rounding costs most. Each group of values is then rounded alone, all
 * others in float, and the noise on the results is measured; those that are least noise for the work that reads them stay
 * at 8 bits as long as their noise together leaves `raised_snr`. Errors of different values are taken to add up, as those
 * of independent ones do.
 */
export const raiseActivations = definePass({
  name: 'raise-activations',
  summary: 'Measures what 8-bit activations cost the results, and gives 16 bits to those that cost too much.',
  phase: 'calibrate',
  options: {
    /** What rounding all activations to 8 bits must leave of the results, in dB of signal to noise. 0: nothing is measured. */
    least_snr: attr.float(0),
    /** What it leaves where some get 16 bits; not less than `least_snr`. */
    raised_snr: attr.float(0),
    /** What it leaves in any case where matrix products alone read 16 bits, an eighth of the multiply-adds at most. */
    cheap_snr: attr.float(0),
    /** What it leaves where it would leave less than `cheap_snr` and no convolution reads any of them. 0: as that says. */
    products_snr: attr.float(0),
    skip: skipOption,
    recipe: recipeOption,
  },
  preserves: 'bits',
  async run(module, { least_snr, raised_snr, cheap_snr, products_snr, skip, recipe }, context) {
    const schemes = new LayerSchemes(module, recipe, skip);
    const plan = planQuantization(module.main.body, schemes.notStatic);
    const observers = observersOf(module);
    const asked = new Set(plan.ranges.filter((value) => isAsked(value, schemes)));
    const limits = {
      least: least_snr,
      raised: Math.max(least_snr, raised_snr),
      cheap: cheap_snr,
      products: products_snr,
    };
    const costly = await costlyValues(module, plan, asked, limits, observers, context);
    const raised = plan.ranges.filter((value) => asked.has(value) || costly.has(value));
    const rewriter = new Rewriter();
    for (const value of raised) {
      const mark = observers.get(value) as Op;
      rewriter.setAttributes(mark, { ...mark.attributes, bits: 16 });
    }
    if (raised.length > 0)
      context.report(`${raised.length} of ${plan.ranges.length} activations have codes of 16 bits`);
  },
});

function observersOf(module: Module): Map<Value, Op> {
  return new Map([...module.main.body.ops()].filter((op) => observe.is(op)).map((op) => [op.operand(0), op]));
}

/** Whether the scheme of the layer that makes a value, or of one that reads it, asks for 16 bits. */
function isAsked(value: Value, schemes: LayerSchemes): boolean {
  const layers = [...(value.op ? [value.op] : []), ...value.users];
  return layers.some((op) => !observe.is(op) && schemes.of(op).activations?.storage === 'i16');
}

/**
 * In dB: below `least`, values are raised until `raised` is left; else until `cheap`, where that is little work. Where
 * no convolution reads them, below `cheap` until `products`.
 */
interface Limits {
  readonly least: number;
  readonly raised: number;
  readonly cheap: number;
  readonly products: number;
}

/** The values that are known, or measured, to cost too much; what was measured goes to the statistics. */
async function costlyValues(
  module: Module,
  plan: QuantizationPlan,
  asked: ReadonlySet<Value>,
  limits: Limits,
  observers: ReadonlyMap<Value, Op>,
  context: PassContext,
): Promise<ReadonlySet<Value>> {
  if (limits.least <= 0) return new Set();
  const nameOf = (value: Value) => observe.attributesOf(observers.get(value) as Op).stats;
  if (context.statistics !== undefined) {
    const { raised } = parseStatistics(context.statistics);
    return new Set(plan.ranges.filter((value) => raised.has(nameOf(value))));
  }
  const groups = groupsOf(module, plan, asked, observers);
  const found = groups.length > 0 ? await measure(module, groups, plan, limits, context) : [];
  const costly = new Set(found.flatMap((group) => [...group.keys()]));
  const statistics = { ...emptyStatistics('wasm'), samples: effort.least, raised: new Set([...costly].map(nameOf)) };
  if (costly.size > 0) context.keepStatistics?.(printStatistics(statistics));
  return costly;
}

/** Values in the order of the graph, cut into groups. */
function groupsOf(
  module: Module,
  plan: QuantizationPlan,
  asked: ReadonlySet<Value>,
  observers: ReadonlyMap<Value, Op>,
): Group[] {
  const typed = plan.ranges.flatMap((value) => {
    const range = loadRange(module, observe.attributesOf(observers.get(value) as Op).stats);
    const isKnown = range && Number.isFinite(range.max - range.min);
    if (!isKnown || asked.has(value) || plan.wide.has(value)) return [];
    return [[value, activationType(range.min, range.max, value.op?.source)] as const];
  });
  const count = Math.min(mostGroups, typed.length);
  const at = (i: number) => Math.floor((i * typed.length) / count);
  return Array.from({ length: count }, (_, i) => new Map(typed.slice(at(i), at(i + 1))));
}

/** The groups that must not be rounded to 8 bits. */
async function measure(
  module: Module,
  groups: readonly Group[],
  plan: QuantizationPlan,
  { least, raised, cheap, products }: Limits,
  context: PassContext,
): Promise<readonly Group[]> {
  const { body } = module.main;
  const results = ((body.last as Op).operands as readonly Value[]).filter(isFloat32);
  const rounding = new SwitchedRounding(body, groups, plan);
  const probe = await context.probe?.(module, results);
  rounding.remove();
  if (probe?.engine !== 'wasm') return [];
  const outputsOn = (sample: Sample, on: (group: number) => boolean) =>
    outputsOf(probe.run, rounding.switched(sample, on));
  const none = () => false;
  const work = Math.max(1, multiplyAdds([...body.ops()]));
  const together = spread(startsIn(module, context), samplesFor(2 * work, mostSamples.together), (sample) =>
    powersIn(
      outputsOn(sample, none),
      outputsOn(sample, () => true),
    ),
  );
  if (together.size === 0) return [];
  const all = noiseShare([...together.values()]);
  context.report(`8 bits for all activations leave ${decibels(1 / all).toFixed(1)} dB of the results`);
  const areProducts = products > 0 && all > shareAt(cheap) && !isConvolved(groups, plan);
  const isNeeded = all > shareAt(least) || areProducts;
  const limit = shareAt(areProducts ? Math.max(raised, products) : isNeeded ? raised : cheap);
  if (all <= limit) return [];
  const few = samplesFor((groups.length + 2) * work, mostSamples.apart);
  const apart = spread(startsIn(module, context), few, (sample) => {
    const reference = outputsOn(sample, none);
    return groups.map((_, group) =>
      powersIn(
        reference,
        outputsOn(sample, (i) => i === group),
      ),
    );
  });
  // few samples tell which groups the noise comes from, many how much there is
  const inFew = noiseShare([...apart.keys()].map((i) => together.get(i) as Powers));
  const scale = inFew > 0 ? all / inFew : 1;
  const each = groups.map((_, g) => scale * noiseShare([...apart.values()].map((powers) => powers[g] as Powers)));
  const found = beyond(groups, each, limit, plan);
  return isNeeded || workOn(found, plan) <= littleWork ? found : [];
}

function readersOf(found: readonly Group[], { ops, rangeOf }: QuantizationPlan): readonly Op[] {
  const values = new Set(found.flatMap((group) => [...group.keys()]));
  return [...ops].filter((op) => activationOperands(op).some((i) => values.has(rangeOf.get(op.operand(i)) as Value)));
}

/** Whether a convolution reads any of these values: it reads each many times. */
const isConvolved = (found: readonly Group[], plan: QuantizationPlan): boolean =>
  readersOf(found, plan).some((op) => conv.is(op));

const multiplyAdds = (ops: readonly Op[]): number => ops.reduce((n, op) => n + op.definition.cost(op).multiplyAdds, 0);

/**
 * The share of the multiply-adds that reads these values; all where convolutions do: runtimes that round differently
 * would agree less where few values of a network have finer codes than the rest.
 */
function workOn(found: readonly Group[], plan: QuantizationPlan): number {
  const readers = readersOf(found, plan);
  return readers.some((op) => conv.is(op)) ? 1 : multiplyAdds(readers) / multiplyAdds([...plan.ops]);
}

const decibels = (ratio: number): number => (10 * elementary.log(ratio)) / Math.LN10;

/** Noise as a share of the signal's power, of a ratio in dB. */
const shareAt = (snr: number): number => elementary.exp((-snr / 10) * Math.LN10);

/**
 * The groups that are left when those of least noise for the work that reads them have filled the limit: 16 bits cost
 * time where values are multiplied, and a little where they are written.
 */
function beyond(groups: readonly Group[], noise: readonly number[], limit: number, plan: QuantizationPlan): Group[] {
  const ranked = groups
    .map((group, i) => ({
      group,
      noise: noise[i] as number,
      cost: multiplyAdds(readersOf([group], plan)) + sizeOf(group),
    }))
    .toSorted((a, b) => a.noise / a.cost - b.noise / b.cost);
  let sum = 0;
  const found: Group[] = [];
  for (const { group, noise } of ranked) {
    if (sum + noise <= limit) sum += noise;
    else found.push(group);
  }
  return found;
}

/** Elements of values. */
const sizeOf = (group: Group): number =>
  [...group.keys()].reduce((sum, { type }) => sum + knownCount((type as TensorType).shape), 0);

/** How many samples there is effort for, of those that take so many multiply-adds each. */
const samplesFor = (multiplyAdds: number, most: number): number =>
  Math.min(most, Math.max(effort.least, Math.floor(effort.multiplyAdds / multiplyAdds)));

/** The samples that do not go on from those before them. */
function* startsIn({ states }: Module, { calibration = [] }: PassContext): Generator<Sample> {
  for (const sample of calibration) if (states.every(({ input }) => sample[input])) yield sample;
}
