import { observe } from '../../dialects/quant/observe.ts';
import { Histogram, observerNames, observerOf, type Range, storeRange } from '../../src/calibrate/index.ts';
import { interpret } from '../../src/interpret/index.ts';
import { attr, type Module } from '../../src/ir/index.ts';
import { definePass, type PassContext, type Sample } from '../../src/pass/define.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { Bounds } from '../clamps.ts';
import { informativeInterval } from './informativeInterval.ts';

/**
 * Runs the calibration samples through the model once, one at a time, and keeps a histogram for each observed
 * value: memory does not grow with the number of samples. The chosen ranges become facts of the module.
 */
export const calibrate = definePass({
  name: 'calibrate',
  summary: 'Runs calibration data through the model and chooses the range of each observed value.',
  phase: 'calibrate',
  options: { observer: attr.oneOf(observerNames, 'lp'), percentile: attr.float(99.99) },
  preserves: 'bits',
  run(module, { observer, percentile }, context) {
    const rule = observerOf(observer, percentile);
    const { histograms, samples } = collect(module, context);
    for (const [stats, histogram] of histograms) {
      const { notFinite } = histogram;
      if (notFinite !== undefined) context.report(`${stats}: calibration met the value ${notFinite}, it has no range`);
      storeRange(module, stats, notFinite === undefined ? rule.choose(histogram) : unbounded);
    }
    context.report(`calibrated ${histograms.size} values on ${samples} samples, observer ${rule.name}`);
  },
});

/** The range of a value that was seen infinite or NaN: `quantize` leaves it in float. */
const unbounded: Range = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };

function collect(module: Module, context: PassContext): { histograms: Map<string, Histogram>; samples: number } {
  const histograms = new Map<string, Histogram>();
  for (const op of module.main.body.ops()) {
    if (observe.is(op)) histograms.set(observe.attributesOf(op).stats, new Histogram());
  }
  let samples = 0;
  if (histograms.size === 0) return { histograms, samples };
  for (const sample of calibrationSamples(context)) {
    samples++;
    checkFinite(sample, samples);
    interpret(module, sample, {
      observe(op, tensor) {
        if (!observe.is(op)) return;
        const { stats } = observe.attributesOf(op);
        histograms.get(stats)?.add(limited(tensor.data as Float32Array, informativeInterval(op.operand(0))));
      },
    });
  }
  if (samples === 0) throw new QcError({ what: 'the calibration data holds no samples', help: 'give at least one' });
  return { histograms, samples };
}

/** Inside a model an infinity may be meant (a mask); in its inputs it is a mistake in the data. @throws QcError */
function checkFinite(sample: Sample, number: number): void {
  for (const [name, { dtype, data }] of Object.entries(sample)) {
    if (dtype !== 'f32' && dtype !== 'f64') continue;
    const wrong = (data as Float32Array).find((x) => !Number.isFinite(x));
    if (wrong === undefined) continue;
    throw new QcError({
      what: `the calibration data holds the value ${wrong}`,
      where: `input '${name}', sample ${number}`,
      why: 'ranges are taken from the data, and this value has none',
      help: 'remove or repair the sample',
    });
  }
}

/** Values as their readers tell them apart; what is not finite stays. */
function limited(values: Float32Array, [low, high]: Bounds): Float32Array {
  if (low === Number.NEGATIVE_INFINITY && high === Number.POSITIVE_INFINITY) return values;
  return values.map((x) => (Number.isFinite(x) ? Math.min(Math.max(x, low), high) : x));
}

function calibrationSamples(context: PassContext): Iterable<Sample> {
  if (context.calibration) return context.calibration;
  throw new QcError({
    what: 'calibration needs data',
    why: 'the ranges of activations are taken from real inputs',
    help: 'give samples with --calibrate DATA',
  });
}
