import {
  attr,
  type Dim,
  defineOp,
  expressed,
  isFloat,
  type OnnxNode,
  type TensorType,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { elementCount, type HostTensor } from '../../src/support/tensor.ts';
import { knownCount } from './axes.ts';
import { add, clampInPlace, mul, verifyClamp } from './binary.ts';
import { broadcastDims, broadcastTo, commonElement } from './broadcast.ts';
import { cast } from './cast.ts';
import { checkBias } from './conv.ts';
import { fromNumbers, isReal, real, toF64 } from './elements.ts';
import { expand } from './expand.ts';
import { reshape } from './reshape.ts';
import { transpose } from './transpose.ts';

/** The shape of a matrix product with NumPy broadcasting of the batch axes. @throws QcError */
export function matmulShape(a: readonly Dim[], b: readonly Dim[]): Dim[] {
  const fail = (why: string): never => {
    throw new QcError({
      what: `the shapes [${a.join(', ')}] and [${b.join(', ')}] cannot be multiplied`,
      why,
      help: 'check the shapes of the inputs and of the model',
    });
  };
  if (a.length < 2 || b.length < 2) fail('both operands must be matrices or stacks of matrices');
  const [inner, other] = [a.at(-1) as Dim, b.at(-2) as Dim];
  if (inner !== other && typeof inner === 'number' && typeof other === 'number') {
    fail(`the inner dimensions are ${inner} and ${other}`);
  }
  return [...broadcastDims(a.slice(0, -2), b.slice(0, -2)), a.at(-2) as Dim, b.at(-1) as Dim];
}

export const matmul = defineOp({
  name: 'nn.matmul',
  summary: 'y[…, m, n] = bias[n] + Σ a[…, m, k]·b[…, k, n], clamped; batch axes broadcast.',
  operands: { a: 'required', b: 'required', bias: 'optional' },
  attributes: { clamp: attr.floats([-Infinity, Infinity]) },
  infer({ a, b, bias }) {
    const element = commonElement(bias ? [a, b, bias] : [a, b]);
    const shape = matmulShape(a.shape, b.shape);
    checkBias(bias, b.shape.at(-1) as Dim);
    return tensor(shape, element);
  },
  verify: (_, { clamp }) => verifyClamp(clamp),
  evaluate({ a, b, bias }, { clamp }) {
    const shape = matmulShape(a.shape, b.shape) as number[];
    if (a.shape.at(-1) !== b.shape.at(-2)) matmulMismatch(a, b);
    const data = multiply(a, b, shape, bias);
    if (!isReal(a.dtype)) return fromNumbers(a.dtype, shape, data);
    clampInPlace(data, clamp[0] as number, clamp[1] as number);
    return real(shape, data);
  },
  cost: ({ a }, _, [y]) => ({ multiplyAdds: knownCount((y as TensorType).shape) * knownCount(a.shape.slice(-1)) }),
  lower: { kind: 'template', template: 'matmul' },
  onnx: [
    { op: 'MatMul', build: importMatmul },
    { op: 'Gemm', build: importGemm },
  ],
  toOnnx(writer, { a, b, bias }, { clamp }, op) {
    const isMatrix = op.operands.slice(0, 2).every((operand) => shapeOf(operand as Value).length === 2);
    const y =
      bias === undefined || isMatrix
        ? writer.node(bias === undefined ? 'MatMul' : 'Gemm', [a, b, bias])
        : writer.node('Add', [writer.node('MatMul', [a, b]), bias]);
    return writer.clip(y, clamp, op.result.type as TensorType);
  },
});

function matmulMismatch(a: HostTensor, b: HostTensor): never {
  throw new QcError({
    what: `the shapes [${a.shape.join(', ')}] and [${b.shape.join(', ')}] cannot be multiplied`,
    why: 'the inner dimensions differ',
    help: 'check the shapes of the inputs',
  });
}

/** The product in f64. */
function multiply(a: HostTensor, b: HostTensor, shape: readonly number[], bias: HostTensor | undefined): Float64Array {
  const [rows, columns] = shape.slice(-2) as [number, number];
  const inner = a.shape.at(-1) as number;
  const batch = shape.slice(0, -2);
  const [x, w] = [
    toF64(broadcastTo(a, [...batch, rows, inner])),
    toF64(b.shape.length === 2 ? b : broadcastTo(b, [...batch, inner, columns])),
  ];
  const sharedWeights = b.shape.length === 2;
  const offsets = bias && toF64(bias);
  const y = new Float64Array(elementCount(shape));
  const total = elementCount(batch) * rows;
  for (let r = 0; r < total; r++) {
    const out = y.subarray(r * columns, (r + 1) * columns);
    if (offsets) out.set(offsets);
    const weights = sharedWeights ? 0 : Math.floor(r / rows) * inner * columns;
    for (let k = 0; k < inner; k++) {
      const v = x[r * inner + k] as number;
      const from = weights + k * columns;
      for (let c = 0; c < columns; c++) out[c] = (out[c] as number) + v * (w[from + c] as number);
    }
  }
  return y;
}

const shapeOf = (value: Value) => (value.type as TensorType).shape;

/** A vector on the left is a row, on the right a column; its axis vanishes from the result. */
function importMatmul(node: OnnxNode): Value {
  const [left, right] = [node.input(0), node.input(1)];
  const [row, column] = [shapeOf(left).length === 1, shapeOf(right).length === 1];
  if (shapeOf(left).length === 0 || shapeOf(right).length === 0) return node.refuse('a scalar operand', 'use Mul');
  const a = row ? node.create(reshape, { x: left }, { shape: [1, ...shapeOf(left)] }).result : left;
  const b = column ? node.create(reshape, { x: right }, { shape: [...shapeOf(right), 1] }).result : right;
  const y = node.create(matmul, { a, b }).result;
  if (!row && !column) return y;
  const shape = shapeOf(y);
  const kept = [...shape.slice(0, -2), ...(row ? [] : [shape.at(-2) as Dim]), ...(column ? [] : [shape.at(-1) as Dim])];
  return node.create(reshape, { x: y }, { shape: kept }).result;
}

/** alpha·A'·B' + beta·C. */
function importGemm(node: OnnxNode): Value {
  if (node.opset < 7) node.int('broadcast', 0);
  const transposed = (x: Value, flag: string): Value =>
    node.int(flag, 0) === 0 ? x : node.create(transpose, { x }, { perm: [1, 0] }).result;
  const scaled = (x: Value, factor: number): Value => {
    if (factor === 1) return x;
    const to = expressed((x.type as TensorType).element);
    if (!isFloat(to) && !Number.isInteger(factor)) return node.refuse(`a factor ${factor} on ${to}`);
    const plain = node.createConstant({ dtype: 'f32', shape: [], data: Float32Array.of(factor) });
    const b = to === 'f32' ? plain : node.create(cast, { x: plain }, { to }).result;
    return node.create(mul, { a: x, b }).result;
  };
  const [x, w, c] = [node.input(0), node.input(1), node.optionalInput(2)];
  if (shapeOf(x).length !== 2 || shapeOf(w).length !== 2) {
    const shapes = `[${shapeOf(x).join(', ')}] and [${shapeOf(w).join(', ')}]`;
    return node.refuse(`operands of the shapes ${shapes}`, 'Gemm multiplies two matrices');
  }
  const a = transposed(x, 'transA');
  const b = scaled(transposed(w, 'transB'), node.float('alpha', 1));
  const beta = node.float('beta', 1);
  if (!c || beta === 0) return node.create(matmul, { a, b }).result;
  const addend = scaled(c, beta);
  const bias = biasOf(node, addend, shapeOf(b)[1] as Dim);
  if (bias) return node.create(matmul, { a, b, bias }).result;
  return node.create(add, { a: node.create(matmul, { a, b }).result, b: addend }).result;
}

/** C as one number for each column, when that is what it means. */
function biasOf(node: OnnxNode, c: Value, columns: Dim): Value | undefined {
  const shape = shapeOf(c);
  if (shape.slice(0, -1).some((dim) => dim !== 1)) return undefined;
  if (shape.at(-1) === columns) {
    return shape.length === 1 ? c : node.create(reshape, { x: c }, { shape: [columns] }).result;
  }
  const scalar = shape.length === 0 || shape.at(-1) === 1;
  if (!scalar) return undefined;
  const flat = shape.length === 1 ? c : node.create(reshape, { x: c }, { shape: [1] }).result;
  return node.create(expand, { x: flat }, { shape: [columns] }).result;
}
