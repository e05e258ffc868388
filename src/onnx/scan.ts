import { sub } from '../../dialects/nn/binary.ts';
import { gather } from '../../dialects/nn/gather.ts';
import { loop } from '../../dialects/nn/loop.ts';
import { shapeOf } from '../../dialects/nn/shape.ts';
import { slice } from '../../dialects/nn/slice.ts';
import { transpose } from '../../dialects/nn/transpose.ts';
import { type Dim, type TensorType, tensor, type Value } from '../ir/index.ts';
import type { HostTensor } from '../support/tensor.ts';
import type { ImportedNode } from './node.ts';
import type { GraphProto } from './proto/index.ts';
import { Regions, tensorsOf, typeOf } from './region.ts';
import type { Scope } from './scope.ts';
import type { Call } from './structural.ts';

const integer = (value: number): HostTensor => ({ dtype: 'i64', shape: [], data: BigInt64Array.of(BigInt(value)) });

/** How a scan reads its inputs and lays out its outputs. */
interface ScanPlan {
  readonly body: GraphProto;
  readonly states: readonly Value[];
  readonly scanned: readonly Value[];
  readonly inputAxes: readonly number[];
  readonly inputReversed: readonly boolean[];
}

/** A loop that takes one slice of the scanned inputs at each step. */
export function importScan(call: Call): readonly Value[] {
  const { node } = call;
  if (node.opset < 9) return node.refuse('version 8, which scans batches', 'convert the model to operator set 13');
  const plan = readPlan(node);
  const results = build(call, plan);
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

function build({ node, frame, importer }: Call, plan: ScanPlan): readonly Value[] {
  const { builder } = importer.state;
  const { body, states, scanned, inputAxes } = plan;
  const axis = inputAxes[0] as number;
  const first = scanned[0] as Value;
  const count = typeOf(first).shape[axis] as Dim;
  const trips = node.create(shapeOf, { x: first }, { start: axis, end: axis + 1 }).result;
  const always = node.createConstant({ dtype: 'i1', shape: [], data: Uint8Array.of(1) });
  const operands = [trips, always, ...states];
  const op = builder.rewriter.createRaw(loop, operands, { carried: states.length }, { types: [], source: node.name });
  const regions = new Regions(op, 1, importer, frame);
  const region = regions.block(0);
  const step = region.addArgument(tensor([], 'i64'), 'step');
  const inside = states.map((state, i) => region.addArgument(state.type, body.inputs[i]?.name));
  const bind = (scope: Scope) => {
    inside.forEach((value, i) => {
      scope.bind(body.inputs[i]?.name as string, value);
    });
    scanned.forEach((value, i) => {
      const x = regions.bring(0, value);
      const indices = plan.inputReversed[i] ? fromEnd(node, step, x, inputAxes[i] as number) : step;
      const taken = node.create(gather, { x, indices }, { axis: inputAxes[i] as number }).result;
      scope.bind(body.inputs[states.length + i]?.name as string, taken);
    });
  };
  const items = regions.graph(0, body, bind);
  const results = tensorsOf(items, body, 'what a scan carries and collects must be tensors');
  states.forEach((state, i) => {
    const [before, after] = [typeOf(state), typeOf(results[i] as Value)];
    if (before !== after) node.refuse(`the state ${before.key} becomes ${after.key}`, 'states keep their type');
  });
  const goesOn = builder.within(region, () => node.createConstant({ dtype: 'i1', shape: [], data: Uint8Array.of(1) }));
  regions.finish(0, [goesOn, ...results]);
  const collected = results.slice(states.length).map((value) => {
    const { shape, element } = value.type as TensorType;
    return tensor([count, ...shape], element);
  });
  return regions.complete([...states.map(typeOf), ...collected]);
}

/** The index that counts from the end of an axis. */
function fromEnd(node: ImportedNode, step: Value, x: Value, axis: number): Value {
  const size = node.create(shapeOf, { x }, { start: axis, end: axis + 1 }).result;
  const last = node.create(sub, { a: size, b: node.createConstant(integer(1)) }).result;
  const indices = node.create(sub, { a: last, b: step }).result;
  // The size is a list of one number: so is the index, and gathering keeps its axis, which is not wanted.
  return node.create(gather, { x: indices, indices: node.createConstant(integer(0)) }, { axis: 0 }).result;
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
