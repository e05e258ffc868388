import { observe } from '../../dialects/quant/observe.ts';
import { observeWindows } from '../../dialects/quant/observeWindows.ts';
import {
  type Division,
  emptyStatistics,
  type SliceKind,
  type Statistics,
  ValueStatistics,
} from '../../src/calibrate/index.ts';
import type { Module, Op, TensorType, Value } from '../../src/ir/index.ts';
import type { PassContext, Probe, Sample } from '../../src/pass/define.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { elementCount } from '../../src/support/tensor.ts';
import type { Bounds } from '../clamps.ts';
import { divisionOf } from './division.ts';
import { informativeInterval } from './informativeInterval.ts';
import { interpreterProbe } from './interpreterProbe.ts';
import { aboveMasks } from './scores.ts';
import { windowSums } from './windowSums.ts';

/** The observers of a module, those of one value together. */
export function observersOf(module: Module): Map<Value, Op[]> {
  const byValue = new Map<Value, Op[]>();
  for (const op of module.main.body.ops()) {
    if (!observe.is(op) && !observeWindows.is(op)) continue;
    const list = byValue.get(op.operand(0));
    if (list) list.push(op);
    else byValue.set(op.operand(0), [op]);
  }
  return byValue;
}

/**
 * Runs the samples through the model, one at a time. Memory does not grow with their number: a histogram for each
 * observed value, and the sum over the samples of what has windows. Where all values together would take more than
 * `mostBytes`, they are observed in several groups, each of which reads the data once.
 */
export async function collect(
  module: Module,
  context: PassContext,
  mostBytes: number,
  slices: SliceKind | undefined,
): Promise<Statistics> {
  const observers = observersOf(module);
  const groups = inGroups([...observers.keys()], mostBytes);
  let statistics: Statistics | undefined;
  for (const values of groups) {
    const probe = await (context.probe ?? interpreterProbe)(module, values);
    statistics ??= emptyStatistics(probe.engine);
    const tallies = values.map((value) => new Tally(value, observers.get(value) as Op[], slices));
    statistics.samples = observeAll(probe, context.calibration ?? [], tallies);
    for (const tally of tallies) tally.enter(statistics);
  }
  if (groups.length > 1) context.report(`the samples were read ${groups.length} times, to stay within --max-ram`);
  return statistics ?? emptyStatistics('interpreter');
}

function observeAll(probe: Probe, samples: Iterable<Sample>, tallies: readonly Tally[]): number {
  let count = 0;
  for (const sample of samples) {
    checkFinite(sample, ++count);
    probe.run(sample, (index, { data }) => tallies[index]?.add(data as Float32Array));
  }
  if (count === 0) throw new QcError({ what: 'the calibration data holds no samples', help: 'give at least one' });
  return count;
}

const unlimited: Bounds = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

/** What is known so far about one value. */
class Tally {
  readonly #observers: readonly Op[];
  readonly #bounds: Bounds;
  readonly #row: number;
  readonly #slices: SliceKind | undefined;
  readonly #division: Division;
  readonly #seen: ValueStatistics | undefined;
  #total: Float64Array | undefined;
  #samples = 0;

  constructor(value: Value, observers: readonly Op[], slices: SliceKind | undefined) {
    this.#observers = observers;
    this.#slices = slices;
    this.#division = divisionOf(value);
    const marks = observers.filter((op) => observe.is(op)).map((op) => observe.attributesOf(op));
    this.#bounds = marks.every(({ informative }) => informative) ? informativeInterval(value) : unlimited;
    this.#row = marks[0]?.row ?? 0;
    if (marks.length > 0) this.#seen = new ValueStatistics();
  }

  add(data: Float32Array): void {
    this.#samples++;
    const [low, high] = this.#bounds;
    this.#seen?.add(this.#row > 0 ? aboveMasks(data, this.#row) : data, low, high);
    if (this.#slices) this.#seen?.addSlices(this.#slices, data, this.#division, low, high);
    if (!this.#observers.some((op) => observeWindows.is(op))) return;
    this.#total ??= new Float64Array(data.length);
    const total = this.#total;
    for (let i = 0; i < total.length; i++) total[i] = (total[i] as number) + (data[i] as number);
  }

  enter(statistics: Statistics): void {
    for (const op of this.#observers) {
      if (this.#seen && observe.is(op)) statistics.values.set(observe.attributesOf(op).stats, this.#seen);
      if (!this.#total || !observeWindows.is(op)) continue;
      const sums = windowSums(op, this.#total, this.#samples);
      if (sums.sums.every(Number.isFinite)) statistics.windows.set(observeWindows.attributesOf(op).stats, sums);
    }
  }
}

/** Consecutive values whose floats and sums fit into a number of bytes; at least one a group. */
function inGroups(values: readonly Value[], mostBytes: number): Value[][] {
  const groups: Value[][] = [];
  let left = 0;
  for (const value of values) {
    const shape = (value.type as TensorType).shape.map((dim) => (typeof dim === 'number' ? dim : 1));
    const bytes = elementCount(shape) * (Float32Array.BYTES_PER_ELEMENT + Float64Array.BYTES_PER_ELEMENT);
    if (groups.length === 0 || bytes > left) {
      groups.push([]);
      left = mostBytes;
    }
    groups.at(-1)?.push(value);
    left -= bytes;
  }
  return groups;
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
