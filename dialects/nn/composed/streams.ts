import { type Dim, type OnnxMapping, type OnnxNode, subDim, type Value } from '../../../src/ir/index.ts';
import { conv } from '../conv.ts';
import { silu } from '../unary.ts';
import { Compose, known, shapeOf } from './compose.ts';

/** A convolution of each channel that looks back only; the last elements are the state of the next call. */
function causalConvWithState(node: OnnxNode): Value[] {
  const c = new Compose(node);
  const [x, w, bias, past] = [node.input(0), node.input(1), node.optionalInput(2), node.optionalInput(3)];
  const activation = node.string('activation', 'none');
  if (!['none', 'silu', 'swish'].includes(activation)) return node.refuse(`activation '${activation}'`);
  const [channels, , kernel] = known(node, shapeOf(w), 'weights') as [number, number, number];
  const padded = past ? c.concat([past, x], 2) : c.pad(x, 2, kernel - 1, 0);
  const attributes = { strides: [1], pads: [0, 0], dilations: [1], group: channels };
  const y = node.create(conv, { x: padded, w, bias }, attributes).result;
  const state = c.slice(padded, 2, subDim(shapeOf(padded)[2] as Dim, kernel - 1), kernel - 1);
  return [activation === 'none' ? y : node.create(silu, { x: y }).result, state];
}

/** a/(1 + e^(−alpha·a)) · b. */
function swiGlu(node: OnnxNode): Value {
  const c = new Compose(node);
  const gate = node.create(silu, { x: node.input(0) }, { alpha: node.float('alpha', 1) }).result;
  return c.mul(gate, node.input(1));
}

/** Places on an image, from −1 to 1, moved by a matrix for each batch. */
function affineGrid(node: OnnxNode): Value {
  const c = new Compose(node);
  const theta = node.input(0);
  const sizes = (node.constantNumbers(1) ?? node.refuse('no size')).slice(2);
  const corners = node.int('align_corners', 0) !== 0;
  const rank = sizes.length;
  const place = (i: number, size: number) => {
    if (corners) return size === 1 ? -1 : -1 + (2 * i) / (size - 1);
    return (2 * i + 1) / size - 1;
  };
  const count = sizes.reduce((n, size) => n * size, 1);
  const grid = new Float64Array(count * (rank + 1)).fill(1);
  for (let i = 0; i < count; i++) {
    let rest = i;
    // The last axis is the first coordinate.
    sizes.toReversed().forEach((size, axis) => {
      grid[i * (rank + 1) + axis] = place(rest % size, size);
      rest = Math.floor(rest / size);
    });
  }
  const points = c.numbers(grid, [count, rank + 1], theta);
  const moved = c.matmul(points, c.transpose(theta, [0, 2, 1]));
  return c.reshape(moved, [shapeOf(theta)[0] as Dim, ...sizes, rank]);
}

export const streamMappings: readonly OnnxMapping[] = [
  { op: 'CausalConvWithState', build: causalConvWithState },
  { op: 'SwiGLU', build: swiGlu },
  { op: 'AffineGrid', build: affineGrid },
];
