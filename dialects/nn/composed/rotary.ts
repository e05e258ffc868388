import { type Dim, floorDivDim, type OnnxMapping, type OnnxNode, subDim, type Value } from '../../../src/ir/index.ts';
import { Compose, known, shapeOf } from './compose.ts';

/** Pairs of elements turned by the angles of their positions. Source: ONNX RotaryEmbedding, version 23. */
function rotaryEmbedding(node: OnnxNode): Value {
  const c = new Compose(node);
  const input = node.input(0);
  const original = shapeOf(input);
  const heads = node.int('num_heads', 0);
  const interleaved = node.int('interleaved', 0) !== 0;
  if (original.length === 3 && heads < 1) return node.refuse('an input of rank 3 without num_heads');
  if (original.length !== 3 && original.length !== 4) return node.refuse(`an input of rank ${original.length}`);
  // [batch, sequence, heads, size]
  const x =
    original.length === 4
      ? c.transpose(input, [0, 2, 1, 3])
      : c.reshape(input, [original[0] as Dim, original[1] as Dim, heads, floorDivDim(original[2] as Dim, heads)]);
  const [size] = known(node, [shapeOf(x)[3] as Dim], 'a head') as [number];
  const turned = node.int('rotary_embedding_dim', 0) || size;
  const [cos, sin] = [1, 2].map((i) => angles(c, i)) as [Value, Value];
  const y = rotated(c, x, [cos, sin], turned, interleaved);
  return original.length === 4 ? c.transpose(y, [0, 2, 1, 3]) : c.reshape(y, original);
}

/** The first `turned` elements of x [batch, sequence, heads, size] as pairs, turned by cosines and sines. */
export function rotated(
  c: Compose,
  x: Value,
  [cos, sin]: readonly [Value, Value],
  turned: number,
  interleaved: boolean,
): Value {
  const half = turned / 2;
  const [first, second] = interleaved
    ? [c.slice(x, 3, 0, half, 2), c.slice(x, 3, 1, half, 2)]
    : [c.slice(x, 3, 0, half), c.slice(x, 3, half, half)];
  const real = c.sub(c.mul(cos, first), c.mul(sin, second));
  const imaginary = c.add(c.mul(sin, first), c.mul(cos, second));
  const parts = shapeOf(x).slice(0, 3);
  const together = interleaved
    ? c.reshape(
        c.concat(
          [real, imaginary].map((part) => c.reshape(part, [...parts, half, 1])),
          4,
        ),
        [...parts, turned],
      )
    : c.concat([real, imaginary], 3);
  const size = shapeOf(x)[3] as Dim;
  return size === turned ? together : c.concat([together, c.slice(x, 3, turned, subDim(size, turned))], 3);
}

/** A cache of cosines or sines for each position, as [batch, sequence, 1, half]. */
function angles(c: Compose, input: number): Value {
  const [cache, positions] = [c.node.input(input), c.node.optionalInput(3)];
  const picked = positions ? c.gather(cache, positions, 0) : cache;
  const [batch, sequence, half] = shapeOf(picked) as [Dim, Dim, Dim];
  return c.reshape(picked, [batch, sequence, 1, half]);
}

export const rotaryMappings: readonly OnnxMapping[] = [{ op: 'RotaryEmbedding', build: rotaryEmbedding }];
