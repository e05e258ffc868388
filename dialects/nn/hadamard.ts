import { attr, defineOp, expressed, type TensorType, withElement } from '../../src/ir/index.ts';
import { type HadamardFactors, hadamardFactors, hadamardMatrix } from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { real, toF64 } from './elements.ts';

/**
 * The Walsh–Hadamard transform of every `block` neighbours of the last axis. H is symmetric where `block` is a power of
 * two, and its own inverse but for the factor block·scale². Source: Ashkboos et al., QuaRot (2024), section 4.
 */
export const hadamard = defineOp({
  name: 'nn.hadamard',
  summary: 'y = scale · H·x for every `block` neighbours x of the last axis, H the Hadamard matrix of elements ±1.',
  operands: { x: 'required' },
  attributes: { block: attr.int(), scale: attr.float(1) },
  infer({ x }, { block }) {
    checkBlock(x, block);
    return withElement(x, expressed(x.element));
  },
  evaluate({ x }, { block, scale }) {
    const { power, order } = hadamardFactors(block) as HadamardFactors;
    const small = hadamardMatrix(order);
    const values = Float64Array.from(toF64(x), (v) => v * scale);
    for (let from = 0; from < values.length; from += block) {
      const part = values.subarray(from, from + block);
      if (order > 1) for (let p = 0; p < power; p++) multiply(small, part.subarray(p * order, (p + 1) * order));
      for (let step = order; step < block; step *= 2) butterflies(part, step);
    }
    return real(x.shape, values);
  },
  lower: { kind: 'template', template: 'hadamard' },
  toOnnx(writer, { x }, { block, scale }, op) {
    const sizes = writer.sizes((op.result.type as TensorType).shape);
    const matrix = Float32Array.from(transposed(hadamardMatrix(block), block), (h) => h * scale);
    const h = writer.constant({ dtype: 'f32', shape: [block, block], data: matrix });
    const rows = writer.node('Reshape', [x, writer.ints([-1, block])]);
    return writer.node('Reshape', [writer.node('MatMul', [rows, h]), writer.ints(sizes)]);
  },
});

/** @throws QcError where the last axis has no whole blocks, or there is no matrix of that size */
function checkBlock(x: TensorType, block: number): void {
  const size = x.shape.at(-1);
  if (block < 2 || !hadamardFactors(block)) {
    throw new QcError({ what: `a Hadamard matrix of ${block} rows`, why: 'there are 2ⁿ, 12·2ⁿ, 20·2ⁿ and 28·2ⁿ' });
  }
  if (typeof size !== 'number' || size % block !== 0) {
    throw new QcError({
      what: `blocks of ${block} in an axis of ${size ?? 'no'} elements`,
      why: 'blocks must be whole',
    });
  }
}

/** x = M·x in place. */
function multiply(matrix: Int8Array, x: Float64Array): void {
  const old = x.slice();
  for (let i = 0; i < x.length; i++) {
    x[i] = old.reduce((sum, v, j) => sum + (matrix[i * x.length + j] as number) * v, 0);
  }
}

/** Pairs (a, b) that are `step` apart become (a + b, a − b). */
function butterflies(x: Float64Array, step: number): void {
  for (let from = 0; from < x.length; from += 2 * step) {
    for (let i = from; i < from + step; i++) {
      const [a, b] = [x[i] as number, x[i + step] as number];
      x[i] = a + b;
      x[i + step] = a - b;
    }
  }
}

function transposed(matrix: Int8Array, n: number): Int8Array {
  return matrix.map((_, at) => matrix[(at % n) * n + Math.floor(at / n)] as number);
}
