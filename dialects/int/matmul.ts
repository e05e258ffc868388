import { attr, defineOp, staticShape, type TensorType } from '../../src/ir/index.ts';
import { broadcastTo } from '../nn/broadcast.ts';

/** Matrix product of codes [batch…, M, K]·[batch…, K, N]; batch axes broadcast as in NumPy. */
export const matmul = defineOp({
  name: 'int.matmul',
  summary: 'y = Σ (a − za)·(b − zb) + bias, exact in i32; the compiler has proved that it fits.',
  operands: { a: 'required', b: 'required', bias: 'optional' },
  attributes: {
    zero_point_a: attr.int(0),
    zero_point_b: attr.int(0),
    /** Whether a is a result of int.turned. */
    turned: attr.bool(false),
  },
  domain: 'codes',
  // Sums stay below 2^53, so that f64 arithmetic is exact.
  evaluate({ a, b, bias }, { zero_point_a, zero_point_b }, { results }) {
    const shape = staticShape(results[0] as TensorType);
    const batch = shape.slice(0, -2);
    const [rows, columns] = shape.slice(-2) as [number, number];
    const depth = a.shape.at(-1) as number;
    const left = broadcastTo(a, [...batch, rows, depth]).data as Int8Array;
    const right = broadcastTo(b, [...batch, depth, columns]).data as Int8Array;
    const y = new Int32Array(shape.reduce((n, dim) => n * dim, 1));
    const sums = new Float64Array(columns);
    for (let r = 0; r < y.length / columns; r++) {
      const matrix = Math.floor(r / rows) * depth * columns;
      sums.fill(0);
      for (let k = 0; k < depth; k++) {
        const factor = (left[r * depth + k] as number) - zero_point_a;
        for (let c = 0; c < columns; c++) {
          const other = (right[matrix + k * columns + c] as number) - zero_point_b;
          sums[c] = (sums[c] as number) + factor * other;
        }
      }
      for (let c = 0; c < columns; c++) {
        y[r * columns + c] = (sums[c] as number) + ((bias?.data[c] as number | undefined) ?? 0);
      }
    }
    return { dtype: 'i32', shape, data: y };
  },
  cost({ a }, _attributes, [y]) {
    const outputs = staticShape(y as TensorType).reduce((p, d) => p * d, 1);
    return { multiplyAdds: outputs * (staticShape(a).at(-1) as number) };
  },
  lower: { kind: 'template', template: 'matmul' },
});
