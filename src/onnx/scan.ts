import { slice } from '../../dialects/nn/slice.ts';
import { transpose } from '../../dialects/nn/transpose.ts';
import type { Value } from '../ir/index.ts';
import type { ImportedNode } from './node.ts';
import { typeOf } from './region.ts';
import { importScan8 } from './scan8.ts';
import { buildScan, type ScanPlan } from './scanLoop.ts';
import type { Call } from './structural.ts';

/** A loop that takes one slice of the scanned inputs at each step. */
export function importScan(call: Call): readonly Value[] {
  const { node } = call;
  if (node.opset < 9) return importScan8(call);
  const plan = readPlan(node);
  const results = buildScan(call, plan);
  const collected = results.slice(plan.states.length);
  const axes = node.ints(
    'scan_output_axes',
    collected.map(() => 0),
  );
  const directions = node.ints(
    'scan_output_directions',
    collected.map(() => 0),
  );
  const laidOut = collected.map((value, i) => layOut(node, value, axes[i] ?? 0, directions[i] === 1));
  return [...results.slice(0, plan.states.length), ...laidOut];
}

function readPlan(node: ImportedNode): ScanPlan {
  const body = node.graph('body');
  const count = node.int('num_scan_inputs');
  const inputs = Array.from({ length: node.inputCount }, (_, i) => node.input(i));
  if (count < 1 || count > inputs.length || body.inputs.length !== inputs.length) {
    return node.refuse(`${count} scanned of ${inputs.length} inputs, with a body of ${body.inputs.length}`);
  }
  const states = inputs.slice(0, inputs.length - count);
  const scanned = inputs.slice(inputs.length - count);
  const axes = node.ints(
    'scan_input_axes',
    scanned.map(() => 0),
  );
  const directions = node.ints(
    'scan_input_directions',
    scanned.map(() => 0),
  );
  const inputAxes = scanned.map((value, i) => axisOf(node, axes[i] ?? 0, typeOf(value).shape.length));
  return { body, states, scanned, inputAxes, inputReversed: scanned.map((_, i) => directions[i] === 1) };
}

function axisOf(node: ImportedNode, axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  return normal >= 0 && normal < rank ? normal : node.refuse(`axis ${axis} of a tensor of rank ${rank}`);
}

/** A collected result, reversed and with its steps along `axis`. */
function layOut(node: ImportedNode, value: Value, axis: number, reversed: boolean): Value {
  const { shape } = typeOf(value);
  const at = axisOf(node, axis, shape.length);
  const [count] = shape;
  let result = value;
  if (reversed) {
    if (typeof count !== 'number') return node.refuse('a reversed output whose number of steps is not known');
    const starts = shape.map((_, i) => (i === 0 ? count - 1 : 0));
    const steps = shape.map((_, i) => (i === 0 ? -1 : 1));
    result = node.create(slice, { x: result }, { starts, steps, sizes: shape }).result;
  }
  if (at === 0) return result;
  const rest = shape.map((_, i) => i).slice(1);
  return node.create(transpose, { x: result }, { perm: rest.toSpliced(at, 0, 0) }).result;
}
