import { softmax } from '../../dialects/nn/softmax.ts';
import { observe } from '../../dialects/quant/observe.ts';
import { observeWindows } from '../../dialects/quant/observeWindows.ts';
import {
  type ChosenRange,
  type Observer,
  observerNames,
  observerOf,
  parseStatistics,
  printStatistics,
  type Range,
  type SliceKind,
  type Statistics,
  storeRange,
  storeWindow,
  type ValueStatistics,
  withZero,
} from '../../src/calibrate/index.ts';
import { attr, type Module, type Op } from '../../src/ir/index.ts';
import { definePass, type PassContext } from '../../src/pass/define.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { isMove } from '../quantize/capabilities.ts';
import { collect, observersOf } from './collect.ts';

/** The range of each observed value and the mean input of each layer become facts of the module. */
export const calibrate = definePass({
  name: 'calibrate',
  summary: 'Runs calibration data through the model and chooses the range of each observed value.',
  phase: 'calibrate',
  options: {
    observer: attr.oneOf(observerNames, 'lp'),
    percentile: attr.float(99.99),
    /** Bytes for what is collected of one sample. With less than all of it the samples are read several times. */
    max_ram: attr.int(2 ** 29),
  },
  preserves: 'bits',
  run: (module, { observer, percentile, max_ram }, context) =>
    chooseRanges(module, observerOf(observer, percentile), max_ram, context),
});

/** What is left in float after quantize has ranges that nothing in it exceeds. */
export const calibrateIslands = definePass({
  name: 'calibrate-islands',
  summary: 'Runs calibration data through the quantized model, and takes the range of each observed value whole.',
  phase: 'calibrate',
  options: { max_ram: attr.int(2 ** 29) },
  preserves: 'bits',
  run: (module, { max_ram }, context) => chooseRanges(module, observerOf('minmax', 100), max_ram, context),
});

async function chooseRanges(module: Module, rule: Observer, mostBytes: number, context: PassContext): Promise<void> {
  if (observersOf(module).size === 0) return;
  const statistics = await statisticsFor(module, context, mostBytes, rule);
  const shares = sharesOf(module);
  context.keepStatistics?.(printStatistics(statistics));
  const { engine, samples, values, windows } = statistics;
  for (const [stats, seen] of values) {
    const { notFinite } = seen.histogram;
    if (notFinite !== undefined) context.report(`${stats}: calibration met the value ${notFinite}, it has no range`);
    storeRange(
      module,
      stats,
      notFinite === undefined ? chosenRange(rule, seen, shares.has(stats)) : { ...unbounded, whole: unbounded },
    );
  }
  for (const [stats, { sums, count }] of windows) {
    storeWindow(
      module,
      stats,
      sums.map((sum) => sum / count),
    );
  }
  context.report(`calibrated ${values.size} values on ${samples} samples in ${engine}, observer ${rule.name}`);
}

/** The names of the statistics of what a softmax makes. */
function sharesOf(module: Module): Set<string> {
  const marks = [...observersOf(module).values()].flat().filter((op) => observe.is(op));
  const isShare = (op: Op) => {
    let { op: made } = op.operand(0);
    while (made && isMove(made)) made = made.operand(0).op;
    return softmax.is(made);
  };
  return new Set(marks.filter(isShare).map((op) => observe.attributesOf(op).stats));
}

function chosenRange(rule: Observer, seen: ValueStatistics, isShare: boolean): ChosenRange {
  const { histogram, average, tokens, channels } = seen;
  return { ...rule.choose({ histogram, average, tokens, channels, isShare }), whole: withZero(seen.histogram) };
}

/** The range of a value that was seen infinite or NaN: `quantize` leaves it in float. */
const unbounded: Range = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };

async function statisticsFor(
  module: Module,
  context: PassContext,
  mostBytes: number,
  { name, needs }: Observer,
): Promise<Statistics> {
  if (context.statistics !== undefined) {
    const statistics = checked(parseStatistics(context.statistics), module);
    if (needs && [...statistics.values.values()].some((value) => !value[needs])) throw without(needs, name);
    return statistics;
  }
  if (context.calibration) return collect(module, context, mostBytes, needs);
  throw new QcError({
    what: 'calibration needs data',
    why: 'the ranges of activations are taken from real inputs',
    help: 'give samples with --calibrate DATA',
  });
}

function without(needs: SliceKind, name: string): QcError {
  return new QcError({
    what: `the statistics say nothing about ${needs}`,
    why: `the observer ${name} chooses ranges by them`,
    help: `calibrate again with --calibrate DATA --observer ${name}`,
  });
}

/** @throws QcError when statistics are of another model */
function checked(statistics: Statistics, module: Module): Statistics {
  for (const op of [...observersOf(module).values()].flat()) {
    const { stats } = (observe.is(op) ? observe : observeWindows).attributesOf(op);
    if (observe.is(op) ? statistics.values.has(stats) : true) continue;
    throw new QcError({
      what: 'the statistics say nothing about this value',
      where: stats,
      why: 'they were collected for another model, scheme or choice of layers',
      help: 'calibrate again with --calibrate DATA',
    });
  }
  return statistics;
}
