import { sub } from '../../dialects/nn/binary.ts';
import { gather } from '../../dialects/nn/gather.ts';
import { loop } from '../../dialects/nn/loop.ts';
import { shapeOf } from '../../dialects/nn/shape.ts';
import { type Dim, type TensorType, tensor, type Value } from '../ir/index.ts';
import type { HostTensor } from '../support/tensor.ts';
import type { ImportedNode } from './node.ts';
import type { GraphProto } from './proto/index.ts';
import { Regions, tensorsOf, typeOf } from './region.ts';
import type { Scope } from './scope.ts';
import type { Call } from './structural.ts';

const integer = (value: number): HostTensor => ({ dtype: 'i64', shape: [], data: BigInt64Array.of(BigInt(value)) });

/** How a scan reads its inputs and lays out its outputs. */
export interface ScanPlan {
  readonly body: GraphProto;
  readonly states: readonly Value[];
  readonly scanned: readonly Value[];
  readonly inputAxes: readonly number[];
  readonly inputReversed: readonly boolean[];
}

/** The loop of a scan: the last states, then the slices that each step gives. */
export function buildScan({ node, frame, importer }: Call, plan: ScanPlan): readonly Value[] {
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
