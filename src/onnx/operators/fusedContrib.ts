import { add, mul } from '../../../dialects/nn/binary.ts';
import { clamp } from '../../../dialects/nn/clamp.ts';
import { conv } from '../../../dialects/nn/conv.ts';
import { gather } from '../../../dialects/nn/gather.ts';
import { normalize } from '../../../dialects/nn/layerNorm.ts';
import { matmul } from '../../../dialects/nn/matmul.ts';
import { reduceSum } from '../../../dialects/nn/reduce.ts';
import { slice } from '../../../dialects/nn/slice.ts';
import { transpose } from '../../../dialects/nn/transpose.ts';
import { gelu, hardSigmoid, leakyRelu, sigmoid, tanh } from '../../../dialects/nn/unary.ts';
import type { Dim, OnnxMapping, OnnxNode, Value } from '../../ir/index.ts';
import { castTo, elementOf, typeOf } from './linear.ts';
import { buildAs } from './qlinear.ts';

// Operators that onnxruntime's optimizer and model builders make of several.

const domain = 'com.microsoft';

const sum = (node: OnnxNode, a: Value, b: Value | undefined): Value => (b ? node.create(add, { a, b }).result : a);

function constantLike(node: OnnxNode, x: Value, value: number): Value {
  const f32 = node.createConstant({ dtype: 'f32', shape: [], data: Float32Array.of(value) });
  return castTo(node, f32, elementOf(x));
}

const scaled = (node: OnnxNode, x: Value, factor: number): Value =>
  factor === 1 ? x : node.create(mul, { a: x, b: constantLike(node, x, factor) }).result;

/** The activation that a fused node names, with its parameters in order. */
function activated(node: OnnxNode, x: Value): Value {
  const name = node.string('activation', '');
  const [first, second] = node.floats('activation_params', []);
  switch (name) {
    case '':
      return x;
    case 'Relu':
      return node.create(clamp, { x }, { min: 0 }).result;
    case 'Tanh':
      return node.create(tanh, { x }).result;
    case 'Sigmoid':
      return node.create(sigmoid, { x }).result;
    case 'LeakyRelu':
      return node.create(leakyRelu, { x }, { alpha: first ?? Math.fround(0.01) }).result;
    case 'Clip':
      return node.create(clamp, { x }, { min: first ?? -Infinity, max: second ?? Infinity }).result;
    case 'HardSigmoid':
      return node.create(hardSigmoid, { x }, { alpha: first ?? Math.fround(0.2), beta: second ?? 0.5 }).result;
    default:
      return node.refuse(
        `the activation ${name}`,
        'Relu, Tanh, Sigmoid, LeakyRelu, Clip and HardSigmoid are supported',
      );
  }
}

function importFusedConv(node: OnnxNode): Value {
  const inputs = [node.input(0), node.input(1), node.optionalInput(2)];
  return activated(node, sum(node, buildAs(node, conv.onnx, 'Conv', inputs), node.optionalInput(3)));
}

function importFusedMatMul(node: OnnxNode): Value {
  if (node.int('transBatchA', 0) !== 0 || node.int('transBatchB', 0) !== 0) {
    return node.refuse('transBatchA or transBatchB', 'transA and transB are supported');
  }
  const turned = (x: Value, flag: string): Value => {
    const rank = typeOf(x).shape.length;
    if (node.int(flag, 0) === 0 || rank < 2) return x;
    const perm = typeOf(x).shape.map((_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
    return node.create(transpose, { x }, { perm }).result;
  };
  const inputs = [turned(node.input(0), 'transA'), turned(node.input(1), 'transB')];
  return scaled(node, buildAs(node, matmul.onnx, 'MatMul', inputs), node.float('alpha', 1));
}

function normalized(
  node: OnnxNode,
  x: Value,
  gamma: Value,
  beta: Value | undefined,
  center: boolean,
  epsilon: number,
): Value {
  const normal = node.create(normalize, { x }, { axis: -1, epsilon, center }).result;
  return sum(node, node.create(mul, { a: normal, b: gamma }).result, beta);
}

/** input + skip + bias, normalized; the sum itself is output 3. */
function importSkipNorm(node: OnnxNode, center: boolean): readonly (Value | undefined)[] {
  const epsilon = node.float('epsilon', Math.fround(1e-12));
  const beta = center ? node.optionalInput(3) : undefined;
  const bias = node.optionalInput(center ? 4 : 3);
  const total = sum(node, sum(node, node.input(0), node.input(1)), bias);
  return [normalized(node, total, node.input(2), beta, center, epsilon), undefined, undefined, total];
}

/** The root mean square alone; a node of the standard domain by mistake of its makers. */
function importSimplifiedNorm(node: OnnxNode): Value {
  const axis = node.int('axis', -1);
  if (axis !== -1 && axis !== typeOf(node.input(0)).shape.length - 1) return node.refuse(`axis = ${axis}`);
  if (node.int('stash_type', 1) !== 1) return node.refuse('a stash_type other than f32');
  return normalized(node, node.input(0), node.input(1), undefined, false, node.float('epsilon', Math.fround(1e-5)));
}

/** Word, position and segment embeddings, added and normalized; the lengths that the mask tells; the sum. */
function importEmbedNorm(node: OnnxNode): readonly (Value | undefined)[] {
  const [ids, segments] = [node.input(0), node.optionalInput(1)];
  const rows = (table: Value, indices: Value): Value => node.create(gather, { x: table, indices }, { axis: 0 }).result;
  const [batch, length] = typeOf(ids).shape as [Dim, Dim];
  const positions = node.optionalInput(8);
  const table = node.input(3);
  const taken = positions ? rows(table, positions) : firstRows(node, table, length);
  const embedded = sum(node, rows(node.input(2), ids), taken);
  const segmentTable = node.optionalInput(4);
  const total = segments && segmentTable ? sum(node, embedded, rows(segmentTable, segments)) : embedded;
  const epsilon = node.float('epsilon', Math.fround(1e-12));
  const y = normalized(node, total, node.input(5), node.input(6), true, epsilon);
  return [y, maskIndex(node, batch), total];
}

function firstRows(node: OnnxNode, table: Value, count: Dim): Value {
  const { shape } = typeOf(table);
  if (shape[0] === count) return table;
  const attributes = { starts: shape.map(() => 0), steps: shape.map(() => 1), sizes: shape.with(0, count) };
  return node.create(slice, { x: table }, attributes).result;
}

/** Elements of each row that the mask keeps; zeros without a mask. */
function maskIndex(node: OnnxNode, batch: Dim): Value | undefined {
  const mask = node.optionalInput(7);
  if (node.int('mask_index_type', mask ? 1 : 0) > 1) return node.refuse('a mask_index_type above 1');
  if (mask) return node.create(reduceSum, { x: castTo(node, mask, 'i32') }, { axes: [1], keepdims: false }).result;
  if (typeof batch !== 'number') return undefined;
  return node.createConstant({ dtype: 'i32', shape: [batch], data: new Int32Array(batch) });
}

function importGelu(node: OnnxNode, approximate: 'none' | 'tanh', withBias: boolean): Value {
  const x = sum(node, node.input(0), withBias ? node.optionalInput(1) : undefined);
  return node.create(gelu, { x }, { approximate }).result;
}

/** x·σ(alpha·x). */
function importQuickGelu(node: OnnxNode): Value {
  const x = node.input(0);
  const steep = scaled(node, x, node.float('alpha', Math.fround(1.702)));
  return node.create(mul, { a: x, b: node.create(sigmoid, { x: steep }).result }).result;
}

export const fusedContribMappings: readonly OnnxMapping[] = [
  { op: 'FusedConv', domain, build: importFusedConv },
  { op: 'FusedMatMul', domain, build: importFusedMatMul },
  { op: 'SkipLayerNormalization', domain, build: (node) => importSkipNorm(node, true) },
  { op: 'SkipSimplifiedLayerNormalization', domain, build: (node) => importSkipNorm(node, false) },
  { op: 'SimplifiedLayerNormalization', build: importSimplifiedNorm },
  { op: 'EmbedLayerNormalization', domain, build: importEmbedNorm },
  { op: 'Gelu', domain, build: (node): Value => importGelu(node, 'none', false) },
  { op: 'BiasGelu', domain, build: (node): Value => importGelu(node, 'none', true) },
  { op: 'FastGelu', domain, build: (node): Value => importGelu(node, 'tanh', true) },
  { op: 'QuickGelu', domain, build: importQuickGelu },
];
