import { type Dim, mulDim, type OnnxMapping, type OnnxNode, type TensorType, type Value } from '../../src/ir/index.ts';
import { reshape } from './reshape.ts';
import { transpose } from './transpose.ts';

// Blocks of pixels and channels change places: a reshape, a transpose and a reshape.

function imageOf(node: OnnxNode): { x: Value; shape: readonly [Dim, Dim, Dim, Dim]; block: number } {
  const x = node.input(0);
  const { shape } = x.type as TensorType;
  if (shape.length !== 4) return node.refuse(`an input of rank ${shape.length}`, 'it must be [N, C, H, W]');
  const block = node.int('blocksize');
  return { x, shape: shape as readonly Dim[] as readonly [Dim, Dim, Dim, Dim], block };
}

/** x through `split`, the order `perm`, and the result's shape. */
function rearranged(node: OnnxNode, x: Value, split: Dim[], perm: number[], shape: Dim[]): Value {
  const parts = node.create(reshape, { x }, { shape: split }).result;
  return node.create(reshape, { x: node.create(transpose, { x: parts }, { perm }).result }, { shape }).result;
}

const exactly = (node: OnnxNode, dim: Dim, divisor: number, what: string): number =>
  typeof dim === 'number' && dim % divisor === 0
    ? dim / divisor
    : node.refuse(`${what} ${dim} with a block size of ${Math.abs(divisor)}`, 'it must divide');

function depthToSpace(node: OnnxNode): Value {
  const { x, shape, block } = imageOf(node);
  const [n, c, h, w] = shape;
  const mode = node.string('mode', 'DCR');
  if (mode !== 'DCR' && mode !== 'CRD') return node.refuse(`mode '${mode}'`);
  const depth = exactly(node, c, block * block, 'channels');
  const result = [n, depth, mulDim(h, block), mulDim(w, block)];
  return mode === 'DCR'
    ? rearranged(node, x, [n, block, block, depth, h, w], [0, 3, 4, 1, 5, 2], result)
    : rearranged(node, x, [n, depth, block, block, h, w], [0, 1, 4, 2, 5, 3], result);
}

function spaceToDepth(node: OnnxNode): Value {
  const { x, shape, block } = imageOf(node);
  const [n, c, h, w] = shape;
  const [rows, columns] = [exactly(node, h, block, 'height'), exactly(node, w, block, 'width')];
  const result = [n, mulDim(c, block * block), rows, columns];
  return rearranged(node, x, [n, c, rows, block, columns, block], [0, 3, 5, 1, 2, 4], result);
}

export const blockMappings: readonly OnnxMapping[] = [
  { op: 'DepthToSpace', build: depthToSpace },
  { op: 'SpaceToDepth', build: spaceToDepth },
];
