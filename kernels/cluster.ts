import { elementOf, type KernelBuilder } from '../dialects/kernel/index.ts';
import { isHalf } from '../dialects/nn/halves.ts';
import { type Dim, type Op, physicalOrder, storageOf, type TensorType, type Value } from '../src/ir/index.ts';
import { InternalError, invariant } from '../src/support/diagnostics.ts';

/**
 * Ops that become one kernel: a root and the elementwise ops that follow it on each element. A plain op is a
 * cluster of its own; `nn.fused` holds one in its region.
 */
export interface Cluster {
  readonly root: Op;
  readonly rest: readonly Op[];
  /** The value that the kernel writes; the first one, where the root has several results. */
  readonly result: Value;
  /** What a value inside the cluster is outside of it. */
  readonly outside: (value: Value) => Value;
}

/** The cluster that `op` stands for. */
export function clusterOf(op: Op): Cluster {
  const region = op.name === 'nn.fused' ? op.regions[0] : undefined;
  if (!region) return { root: op, rest: [], result: op.results[0] as Value, outside: (value) => value };
  const [root, ...rest] = [...region.ops()].slice(0, -1);
  invariant(root, 'a fused region is not empty');
  const outside = (value: Value) => (value.definer === region ? op.operand(value.index) : value);
  return { root, rest, result: op.result, outside };
}

export function tensorType(value: Value): TensorType {
  invariant(value.type.kind === 'tensor', 'a tensor is expected here');
  return value.type;
}

/** Where the first lane of a value lies: as an element of the result's buffer, and along its innermost axis. */
export interface Place {
  readonly element: Value;
  readonly channel: Value;
}

/** How an operand of a following op is read, given where the result is written. */
export type OperandKind = 'same' | 'channel' | 'scalar';

/**
 * How an operand of type `operand` is read beside a result of type `result`: at the same place, by the innermost
 * axis, or as one number; undefined when it is none of these.
 */
export function operandKind(operand: TensorType, result: TensorType): OperandKind | undefined {
  const { shape } = operand;
  const target = result.shape;
  if (shape.every((d) => d === 1)) return 'scalar';
  const order = physicalOrder(result.layout, target.length);
  const innermost = order.at(-1) as number;
  const lead = target.length - shape.length;
  if (lead < 0) return undefined;
  const isChannel = shape.every((d, i) => (i + lead === innermost ? d === target[innermost] : d === 1));
  if (isChannel) return 'channel';
  const own = physicalOrder(operand.layout, shape.length);
  const sameShape = lead === 0 && shape.every((d, i) => d === target[i]);
  return sameShape && sameOrder(own, order, shape) ? 'same' : undefined;
}

/** Whether two physical orders of a shape put the same elements at the same places: axes of size 1 don't count. */
function sameOrder(a: readonly number[], b: readonly number[], shape: readonly Dim[]): boolean {
  const [x, y] = [a, b].map((order) => order.filter((axis) => shape[axis] !== 1)) as [number[], number[]];
  return x.every((axis, i) => axis === y[i]);
}

/** The following ops of a cluster, as a function from the root's lanes to the result's, as they are stored. */
export function epilogue(
  cluster: Cluster,
  buffers: ReadonlyMap<Value, Value>,
): (k: KernelBuilder, value: Value, place: Place, lanes: number) => Value {
  const resultType = tensorType(cluster.result);
  return (k, value, place, lanes) => {
    const computed = new Map<Value, Value>([[cluster.root.result, value]]);
    for (const op of cluster.rest) {
      const args = op.operands.map((operand) => {
        if (!operand) return undefined;
        return computed.get(operand) ?? loadBeside(k, cluster.outside(operand), resultType, buffers, place, lanes);
      });
      computed.set(op.result, elementBody(k, op, args));
    }
    return asStored(k, computed.get(cluster.rest.at(-1)?.result ?? cluster.root.result) as Value);
  };
}

/** An elementwise op on values; one that only names the type anew gives its operand. */
export function elementBody(k: KernelBuilder, op: Op, args: readonly (Value | undefined)[]): Value {
  const { lower } = op.definition;
  if (lower?.kind === 'alias') return args[0] as Value;
  if (lower?.kind !== 'elementwise') throw new InternalError(`${op.name} cannot be part of a fused region`);
  // an absent optional operand is an absent argument
  return lower.body(k, args as readonly Value[], op);
}

function loadBeside(
  k: KernelBuilder,
  operand: Value,
  result: TensorType,
  buffers: ReadonlyMap<Value, Value>,
  place: Place,
  lanes: number,
): Value {
  const buffer = buffers.get(operand);
  invariant(buffer, 'a fused operand has no buffer');
  const kind = operandKind(tensorType(operand), result);
  invariant(kind, 'a fused operand is neither of the result’s shape nor along its innermost axis');
  if (kind === 'scalar') return k.splat(asValue(k, operand, k.load(buffer, k.index(0))), lanes);
  return asValue(k, operand, k.load(buffer, kind === 'same' ? place.element : place.channel, lanes));
}

/** Tensors from outside that the following ops read, each once. */
export function epilogueOperands(cluster: Cluster): Value[] {
  const inside = new Set([cluster.root, ...cluster.rest].map((op) => op.result));
  const read = cluster.rest.flatMap((op) => op.operands.filter((v): v is Value => v !== undefined && !inside.has(v)));
  return [...new Set(read.map(cluster.outside))];
}

/** What was loaded for a tensor, as its ops want it: the bytes of truth values become masks. */
export function asValue(k: KernelBuilder, operand: Value, loaded: Value): Value {
  if (storageOf(tensorType(operand).element) !== 'i1') return loaded;
  return k.cmp('ne', loaded, k.constant(0, 'u8', loaded));
}

/** A value as it is stored: masks become bytes of 0 or 1. */
export function asStored(k: KernelBuilder, value: Value): Value {
  return elementOf(value) === 'i1' ? k.convert(value, 'u8') : value;
}

/** Stored element type of a tensor value; truth values take a byte, floats of 16 bits are their bits. */
export function storedElement(value: Value) {
  const element = storageOf(tensorType(value).element);
  if (element === 'i1') return 'u8';
  return isHalf(element) ? 'u16' : element;
}

/** Strides or dilations of a window: one for each spatial axis, 1 where the op doesn't say. */
export function perAxis(attribute: unknown, spatial: number): number[] {
  const given = attribute as readonly number[] | undefined;
  return given && given.length > 0 ? [...given] : new Array<number>(spatial).fill(1);
}

/** A root's results within the bounds that its `clamp` attribute states. */
export function clamped(k: KernelBuilder, value: Value, root: Op): Value {
  const [min, max] = (root.attributes.clamp as readonly [number, number] | undefined) ?? [-Infinity, Infinity];
  const low = min > -Infinity ? k.max(value, k.constant(min, 'f32', value)) : value;
  return max < Infinity ? k.min(low, k.constant(max, 'f32', low)) : low;
}
