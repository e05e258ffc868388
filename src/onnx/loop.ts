import { loop } from '../../dialects/nn/loop.ts';
import { type Dim, type TensorType, tensor, Value } from '../ir/index.ts';
import { QcError } from '../support/diagnostics.ts';
import type { HostTensor } from '../support/tensor.ts';
import type { ImportedNode } from './node.ts';
import type { GraphProto } from './proto/index.ts';
import { Regions, tensorsOf, typeOf } from './region.ts';
import { type Item, nothing } from './scope.ts';
import type { Call } from './structural.ts';

/** Most steps of a loop that is written out because it carries a sequence. */
const unrollLimit = 1024;

const truth = (value: boolean): HostTensor => ({ dtype: 'i1', shape: [], data: Uint8Array.of(value ? 1 : 0) });
const integer = (value: bigint): HostTensor => ({ dtype: 'i64', shape: [], data: BigInt64Array.of(value) });

/** An nn.loop; written out where it carries sequences or optionals. */
export function importLoop(call: Call): readonly Item[] {
  const { node, item } = call;
  const body = node.graph('body');
  const carried = Array.from({ length: Math.max(0, node.inputCount - 2) }, (_, i) => item(i + 2) ?? nothing);
  if (body.inputs.length !== carried.length + 2 || body.outputs.length < carried.length + 1) {
    return node.refuse(
      `a body with ${body.inputs.length} inputs and ${body.outputs.length} outputs for ${carried.length} carried values`,
      'export the model again',
    );
  }
  const [trips, condition] = [givenTensor(node, item(0)), givenTensor(node, item(1))];
  const tensors = carried.filter((value) => value instanceof Value);
  if (tensors.length < carried.length) return unroll(call, body, carried, trips, condition);
  return buildLoop(call, body, tensors, trips, condition);
}

/** A tensor, or undefined for an input that is absent. */
function givenTensor(node: ImportedNode, item: Item | undefined): Value | undefined {
  if (item === undefined || item === nothing) return undefined;
  return item instanceof Value ? item : node.refuse('a trip count or condition that is no tensor');
}

function buildLoop(
  { node, frame, importer }: Call,
  body: GraphProto,
  carried: readonly Value[],
  trips: Value | undefined,
  condition: Value | undefined,
): readonly Item[] {
  const { builder, symbols } = importer.state;
  const limit = trips ?? node.createConstant(integer(2n ** 63n - 1n));
  const start = condition ?? node.createConstant(truth(true));
  let types = carried.map(typeOf);
  // A carried value whose shape changes from step to step has sizes that depend on data: a second import says so.
  for (let attempt = 0; ; attempt++) {
    const operands = [limit, start, ...carried];
    const op = builder.rewriter.createRaw(
      loop,
      operands,
      { carried: carried.length },
      { types: [], source: node.name },
    );
    const regions = new Regions(op, 1, importer, frame);
    const region = regions.block(0);
    const step = region.addArgument(tensor([], 'i64'), body.inputs[0]?.name);
    const inside = types.map((type, i) => region.addArgument(type, body.inputs[i + 2]?.name));
    const items = regions.graph(0, body, (scope) => {
      scope.bind(body.inputs[0]?.name as string, step);
      // The body runs only while the condition holds.
      scope.bind(body.inputs[1]?.name as string, node.createConstant(truth(true)));
      inside.forEach((value, i) => {
        scope.bind(body.inputs[i + 2]?.name as string, value);
      });
    });
    const [goesOn, ...results] = tensorsOf(items, body, 'what a loop carries and collects must be tensors');
    const next = results.slice(0, carried.length).map(typeOf);
    const wider = types.map((type, i) =>
      widened(type, next[i] as TensorType, (axis) => symbols.dataDependent(`${node.name}_${i}_${axis}`, undefined)),
    );
    if (attempt < 3 && wider.some((type, i) => type !== types[i])) {
      builder.rewriter.erase(op);
      types = wider;
      continue;
    }
    regions.finish(0, [goesOn as Value, ...results]);
    const always = [start, goesOn as Value].every((value) => builder.constantOf(value)?.data[0]);
    const [known] = (always && builder.dimsOf(limit)) || [];
    const count = known ?? symbols.dataDependent(`${node.name}_steps`, undefined);
    const collected = results.slice(carried.length).map((value) => collectedType(typeOf(value), count));
    return regions.complete([...types, ...collected]);
  }
}

/** The type with open sizes where a step gives other ones. @throws QcError when no type holds both */
function widened(type: TensorType, next: TensorType, fresh: (axis: number) => Dim): TensorType {
  if (type.element !== next.element || type.shape.length !== next.shape.length) {
    throw new QcError({
      what: `the loop carries ${type.key}, and its body gives ${next.key}`,
      why: 'element type and rank of a carried value stay the same',
    });
  }
  const isOpen = (dim: Dim | undefined) => typeof dim !== 'number';
  const shape = type.shape.map((dim, i) => (dim === next.shape[i] || isOpen(dim) ? dim : fresh(i)));
  return shape.every((dim, i) => dim === type.shape[i]) ? type : tensor(shape, type.element);
}

function collectedType(slice: TensorType, count: Dim): TensorType {
  return tensor([count, ...slice.shape], slice.element);
}

/** Writes every step of a loop out. */
function unroll(
  { node, frame, importer }: Call,
  body: GraphProto,
  carried: readonly Item[],
  trips: Value | undefined,
  condition: Value | undefined,
): readonly Item[] {
  const { builder } = importer.state;
  const help = 'export the model without sequences, or with a constant number of steps';
  const [count] = (trips && builder.dimsOf(trips)) ?? [];
  if (typeof count !== 'number' || count > unrollLimit) {
    return node.refuse(`a loop that carries a sequence and runs ${count ?? 'as often as data tells'}`, help);
  }
  if (body.outputs.length > carried.length + 1) return node.refuse('a loop that carries a sequence and collects', help);
  let values = carried;
  let goesOn = condition ? builder.constantOf(condition) : truth(true);
  for (let i = 0; i < count; i++) {
    if (!goesOn) return node.refuse('a loop that carries a sequence and ends when data tells', help);
    if (!goesOn.data[0]) break;
    const inner = importer.inside(frame, body, (name) => frame.scope.find(name));
    inner.scope.bind(body.inputs[0]?.name as string, node.createConstant(integer(BigInt(i))));
    inner.scope.bind(body.inputs[1]?.name as string, node.createConstant(truth(true)));
    values.forEach((value, k) => {
      inner.scope.bind(body.inputs[k + 2]?.name as string, value);
    });
    const [next, ...results] = importer.importGraph(body, inner, (name) => frame.scope.find(name) !== undefined);
    goesOn = next instanceof Value ? builder.constantOf(next) : undefined;
    values = results;
  }
  return values;
}
