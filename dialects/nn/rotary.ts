import {
  attr,
  type Dim,
  defineOp,
  expressed,
  type OnnxWriter,
  type TensorType,
  withElement,
} from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { broadcastDims, broadcastTo } from './broadcast.ts';
import { real, toF64 } from './elements.ts';

/**
 * Rotary position embedding: pairs of elements of the last axis, turned by angles. A pair are the elements i and
 * i + D/2, or with `interleaved` 2i and 2i + 1. The cosines and sines broadcast against x; their last axis has one
 * number for each element, or for each pair. Source: Su et al., RoFormer (2021), section 3.4.2.
 */
export const rotary = defineOp({
  name: 'nn.rotary',
  summary: 'Pairs (a, b) of the last axis become (a·cos − b·sin, b·cos + a·sin).',
  operands: { x: 'required', cos: 'required', sin: 'required' },
  attributes: { interleaved: attr.bool(false) },
  infer({ x, cos, sin }) {
    for (const angles of [cos, sin]) checkAngles(x, angles);
    return withElement(x, expressed(x.element));
  },
  evaluate({ x, cos, sin }, { interleaved }) {
    const size = x.shape.at(-1) as number;
    const [values, angles] = [toF64(x), [cos, sin].map((t) => spread(t, x.shape))] as const;
    const [c, s] = angles as [Spread, Spread];
    const y = new Float64Array(values.length);
    for (let row = 0; row < values.length; row += size) {
      for (let pair = 0; pair < size / 2; pair++) {
        const [i, j] = interleaved ? [2 * pair, 2 * pair + 1] : [pair, pair + size / 2];
        const [a, b] = [values[row + i] as number, values[row + j] as number];
        y[row + i] = a * c(row / size, i, pair) - b * s(row / size, i, pair);
        y[row + j] = b * c(row / size, j, pair) + a * s(row / size, j, pair);
      }
    }
    return real(x.shape, y);
  },
  toOnnx(writer, { x, cos, sin }, { interleaved }, op) {
    const types = [0, 1, 2].map((i) => op.operand(i).type as TensorType) as [TensorType, TensorType, TensorType];
    const size = types[0].shape.at(-1) as number;
    const [a, b] = halvesOf(writer, x, types[0], interleaved);
    const [cosA, cosB] = halvesOf(writer, cos, types[1], interleaved, size);
    const [sinA, sinB] = halvesOf(writer, sin, types[2], interleaved, size);
    const times = (value: string, angle: string) => writer.node('Mul', [value, angle]);
    const first = writer.node('Sub', [times(a, cosA), times(b, sinA)]);
    const second = writer.node('Add', [times(b, cosB), times(a, sinB)]);
    const joined = writer.node('Concat', [first, second], { int: { axis: -1 } });
    if (!interleaved) return joined;
    return writer.node('Reshape', [joined, writer.ints(writer.sizes(types[0].shape))]);
  },
});

/**
 * The first and the second elements of all pairs of the last axis, interleaved ones along an axis of their own; of a
 * table with one number a pair, that number twice. @param size of the last axis of the values
 */
function halvesOf(
  writer: OnnxWriter,
  value: string,
  { shape }: TensorType,
  interleaved: boolean,
  size = shape.at(-1) as number,
): [string, string] {
  const outer = writer.sizes(shape.slice(0, -1));
  const each = shape.at(-1) === size ? 2 : 1;
  const pairs = interleaved ? writer.node('Reshape', [value, writer.ints([...outer, size / 2, each])]) : value;
  if (each === 1) return [pairs, pairs];
  const half = interleaved ? 1 : size / 2;
  return writer.nodes('Split', [pairs, writer.ints([half, half])], 2, { int: { axis: -1 } }) as [string, string];
}

type Spread = (row: number, element: number, pair: number) => number;

/** The angle of an element, from a table by element or by pair. */
function spread(table: Parameters<typeof broadcastTo>[0], shape: readonly number[]): Spread {
  const width = table.shape.at(-1) as number;
  const data = toF64(broadcastTo(table, [...shape.slice(0, -1), width]));
  const byElement = width === shape.at(-1);
  return (row, element, pair) => data[row * width + (byElement ? element : pair)] as number;
}

/** @throws QcError where the table does not belong to x */
function checkAngles(x: TensorType, table: TensorType): void {
  const [size, width] = [x.shape.at(-1), table.shape.at(-1)];
  const fits = typeof size === 'number' && size % 2 === 0 && (width === size || width === size / 2);
  const outer = (shape: readonly Dim[]) => shape.slice(0, -1);
  if (fits && table.shape.length <= x.shape.length) {
    broadcastDims(outer(x.shape), outer(table.shape));
    return;
  }
  throw new QcError({
    what: `angles of the shape [${table.shape.join(', ')}] for values of the shape [${x.shape.join(', ')}]`,
    why: 'the last axis needs an even size, and one angle for each element or each pair',
  });
}
