import { defineOp, expressed, tensor, type Value } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { elementCount } from '../../src/support/tensor.ts';
import { real, toF64 } from './elements.ts';

export const det = defineOp({
  name: 'nn.det',
  summary: 'The determinant of each matrix.',
  operands: { x: 'required' },
  infer({ x }) {
    const [rows, columns] = x.shape.slice(-2);
    if (x.shape.length < 2 || rows !== columns) {
      throw new QcError({ what: `the determinant of [${x.shape.join(', ')}]`, why: 'it needs square matrices' });
    }
    return tensor(x.shape.slice(0, -2), expressed(x.element));
  },
  evaluate({ x }) {
    const size = x.shape.at(-1) as number;
    const shape = x.shape.slice(0, -2);
    const values = toF64(x);
    const y = Float64Array.from({ length: elementCount(shape) }, (_, i) =>
      determinant(values.slice(i * size * size, (i + 1) * size * size), size),
    );
    return real(shape, y);
  },
  lower: { kind: 'template', template: 'det' },
  onnx: [{ op: 'Det', build: (node): Value => node.create(det, { x: node.input(0) }).result }],
});

/** By elimination with the largest pivot of each column; `a` is used up. */
function determinant(a: Float64Array, n: number): number {
  const at = (row: number, column: number) => a[row * n + column] as number;
  let result = 1;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let row = k + 1; row < n; row++) if (Math.abs(at(row, k)) > Math.abs(at(pivot, k))) pivot = row;
    if (at(pivot, k) === 0) return 0;
    if (pivot !== k) {
      const other = a.slice(pivot * n, pivot * n + n);
      a.copyWithin(pivot * n, k * n, k * n + n);
      a.set(other, k * n);
      result = -result;
    }
    result *= at(k, k);
    for (let row = k + 1; row < n; row++) {
      const factor = at(row, k) / at(k, k);
      for (let column = k; column < n; column++) a[row * n + column] = at(row, column) - factor * at(k, column);
    }
  }
  return result;
}
