import { addDim, type Dim, type OnnxMapping, type OnnxNode, type Value } from '../../../src/ir/index.ts';
import { normalAxis } from '../axes.ts';
import { pad } from '../pad.ts';
import { slice } from '../slice.ts';
import { Compose, elementOf, known, shapeOf, tensorOf } from './compose.ts';

function importPad(
  node: OnnxNode,
  given: readonly number[],
  givenAxes: readonly number[] | undefined,
  value: number | Value,
): Value {
  const c = new Compose(node);
  const x = node.input(0);
  const rank = shapeOf(x).length;
  const mode = node.string('mode', 'constant');
  const axes = (givenAxes ?? shapeOf(x).map((_, i) => i)).map((axis) => normalAxis(axis, rank));
  if (given.length !== 2 * axes.length) return node.refuse(`pads [${given.join(', ')}] for ${axes.length} axes`);
  const amounts = new Array<number>(2 * rank).fill(0);
  axes.forEach((axis, i) => {
    amounts[axis] = given[i] as number;
    amounts[axis + rank] = given[i + axes.length] as number;
  });
  if (mode === 'wrap') return wrapped(c, x, amounts);
  const cropped = cropNegative(node, x, amounts);
  if (amounts.every((p) => p <= 0)) return cropped;
  const pads = amounts.map((p) => Math.max(0, p));
  if (typeof value === 'number') return node.create(pad, { x: cropped }, { pads, value, mode }).result;
  const padded = node.create(pad, { x: cropped }, { pads, mode }).result;
  if (mode !== 'constant') return padded;
  // The value is data: chosen where no element lies.
  const inside = node.create(pad, { x: c.filled(1, 'i1', shapeOf(cropped)) }, { pads }).result;
  return c.where(inside, padded, c.reshape(value, []));
}

/** Negative pads cut elements off. */
function cropNegative(node: OnnxNode, x: Value, amounts: readonly number[]): Value {
  if (amounts.every((p) => p >= 0)) return x;
  const shape = shapeOf(x);
  const cut = (i: number) => Math.min(0, amounts[i] as number);
  const sizes: Dim[] = shape.map((dim, i) => addDim(dim, cut(i) + cut(i + shape.length)));
  const attributes = { starts: shape.map((_, i) => 0 - cut(i)), steps: shape.map(() => 1), sizes };
  return node.create(slice, { x }, attributes).result;
}

/** Each axis goes on from its other end. */
function wrapped(c: Compose, x: Value, amounts: readonly number[]): Value {
  const sizes = known(c.node, shapeOf(x), 'an input');
  return sizes.reduce<Value>((value, size, axis) => {
    const [before, after] = [amounts[axis] as number, amounts[axis + sizes.length] as number];
    if (before === 0 && after === 0) return value;
    const count = Math.max(0, size + before + after);
    const places = Array.from({ length: count }, (_, i) => (((i - before) % size) + size) % size);
    return c.gather(value, c.integers(places), axis);
  }, x);
}

/** Elements cut off, or zeros added, in equal parts on both sides of each axis; an odd one at its end. */
function centerCropPad(node: OnnxNode): Value {
  const c = new Compose(node);
  const x = node.input(0);
  const rank = shapeOf(x).length;
  const wanted = node.constantNumbers(1) ?? node.refuse('no shape');
  const axes = node
    .ints(
      'axes',
      shapeOf(x).map((_, i) => i),
    )
    .map((axis) => normalAxis(axis, rank));
  return axes.reduce((value, axis, i) => {
    const [size] = known(node, [shapeOf(x)[axis] as Dim], 'an axis') as [number];
    const target = wanted[i] as number;
    const half = Math.floor(Math.abs(size - target) / 2);
    return target <= size ? c.slice(value, axis, half, target) : c.pad(value, axis, half, target - size - half);
  }, x);
}

/** What dropout would keep: everything. */
function dropout(node: OnnxNode): Value[] {
  const c = new Compose(node);
  const x = node.input(0);
  // How much training drops does not concern inference.
  if (node.opset < 12) node.float('ratio', 0.5);
  else node.optionalInput(1);
  if (node.opset >= 12) node.int('seed', 0);
  const training = node.opset < 7 ? node.int('is_test', 0) === 0 : node.constantNumbers(2)?.[0] === 1;
  if (training && node.constant(1)?.data[0] !== 0)
    return node.refuse('training mode', 'export the model for inference');
  const element = node.opset < 10 ? elementOf(x) : 'i1';
  return node.outputCount < 2 ? [x] : [x, c.expand(c.constant(tensorOf(element, [], [1])), shapeOf(x))];
}

export const paddingMappings: readonly OnnxMapping[] = [
  {
    op: 'Pad',
    until: 10,
    build(node): Value {
      const pads = node.hasAttribute('pads') ? node.ints('pads') : node.ints('paddings');
      return importPad(node, pads, undefined, node.float('value', 0));
    },
  },
  {
    op: 'Pad',
    since: 11,
    build(node): Value {
      const pads = node.constantNumbers(1) ?? node.refuse('no pads');
      const open = node.optionalInput(2) && !node.constant(2) ? node.input(2) : undefined;
      const [value = 0] = open ? [] : (node.constantNumbers(2) ?? []);
      return importPad(node, pads, node.constantNumbers(3), open ?? value);
    },
  },
  { op: 'CenterCropPad', build: centerCropPad },
  { op: 'Dropout', build: dropout },
];
