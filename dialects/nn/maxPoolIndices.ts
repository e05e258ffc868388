import { attr, defineOp, tensor } from '../../src/ir/index.ts';
import { elementCount, type HostTensor } from '../../src/support/tensor.ts';
import { toF64 } from './elements.ts';
import { pool, poolShape } from './pool.ts';
import { rowMajorStrides } from './strided.ts';

export const maxPoolIndices = defineOp({
  name: 'nn.max_pool_indices',
  summary: 'Where in x the largest element of each window is, as one flat index.',
  operands: { x: 'required' },
  attributes: {
    kernel: attr.ints(),
    strides: attr.ints(),
    pads: attr.ints(),
    dilations: attr.ints(),
    /** Whether the spatial axes count from the first on, instead of from the last. */
    column_major: attr.bool(false),
  },
  infer: ({ x }, window) => tensor(poolShape(x.shape, window), 'i64'),
  evaluate({ x }, { column_major, ...window }): HostTensor {
    const shape = poolShape(x.shape, window) as number[];
    const values = toF64(x);
    const best = new Int32Array(elementCount(shape)).fill(-1);
    pool(x.shape, shape, window, (o, i) => {
      const at = best[o] as number;
      if (at < 0 || (values[i] as number) > (values[at] as number)) best[o] = i;
    });
    const number = column_major ? columnMajor(x.shape) : (i: number) => i;
    return { dtype: 'i64', shape, data: BigInt64Array.from(best, (i) => BigInt(number(i))) };
  },
  lower: { kind: 'template', template: 'max_pool_indices' },
});

/** From the row-major index of an element to the index with the spatial axes in reverse order. */
function columnMajor(shape: readonly number[]): (i: number) => number {
  const spatial = shape.slice(2);
  const plane = elementCount(spatial);
  const rows = rowMajorStrides(spatial);
  const columns = rowMajorStrides(spatial.toReversed()).reverse();
  return (i) => {
    const start = Math.floor(i / plane) * plane;
    return spatial.reduce(
      (sum, size, axis) => sum + (Math.floor((i - start) / (rows[axis] as number)) % size) * (columns[axis] as number),
      start,
    );
  };
}
