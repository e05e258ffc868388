import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import { interpret } from '../../src/interpret/index.ts';
import { type Op, quantOf, type TensorType, verifyModule } from '../../src/ir/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import {
  type AttributeProto,
  encodeModel,
  type NodeProto,
  tensorInfo,
  tensorProto,
} from '../../src/onnx/proto/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

// What quantized models become: codes under quantized types where constant scales allow.

const node = (opType: string, inputs: string[], outputs: string[], attributes: AttributeProto[] = []): NodeProto => ({
  name: outputs[0] ?? '',
  opType,
  domain: '',
  overload: '',
  inputs,
  outputs,
  attributes,
});
const int = (name: string, value: number): AttributeProto => ({ name, type: 'int', value: BigInt(value) });
const f32 = (shape: number[], ...values: number[]): HostTensor => ({
  dtype: 'f32',
  shape,
  data: Float32Array.from(values),
});
const i8 = (shape: number[], ...values: number[]): HostTensor => ({ dtype: 'i8', shape, data: Int8Array.from(values) });
const u8 = (shape: number[], ...values: number[]): HostTensor => ({
  dtype: 'u8',
  shape,
  data: Uint8Array.from(values),
});

function load(nodes: NodeProto[], initializers: Record<string, HostTensor>, scaleInput = false) {
  const inputs = [tensorInfo('x', 'f32', [2, 3]), ...(scaleInput ? [tensorInfo('s', 'f32', [])] : [])];
  const bytes = encodeModel({
    irVersion: 10,
    producerName: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    opsetImports: [{ domain: '', version: 21 }],
    graph: {
      name: 'g',
      nodes,
      initializers: Object.entries(initializers).map(([name, tensor]) => tensorProto(name, tensor)),
      sparseInitializers: [],
      inputs,
      outputs: [{ name: 'y', type: undefined }],
      valueInfos: [],
    },
    functions: [],
    metadata: [],
  });
  const module = importOnnx(bytes, { registry });
  verifyModule(module);
  return module;
}

type Loaded = ReturnType<typeof load>;
const names = (module: Loaded) => [...module.ops()].map((op) => op.name);
const find = (module: Loaded, name: string) => [...module.ops()].find((op) => op.name === name) as Op;
const quant = (op: Op) => quantOf(op.result.type as TensorType);

const roundTrip = [node('QuantizeLinear', ['x', 's', 'z'], ['q']), node('DequantizeLinear', ['q', 's', 'z'], ['d'])];
const scale = { s: f32([], 0.5), z: u8([], 10) };

describe('QuantizeLinear and DequantizeLinear', () => {
  it('of an activation are the two borders of one quantized type', () => {
    const module = load([...roundTrip, node('Relu', ['d'], ['y'])], scale);
    expect(names(module)).toEqual(['quant.qcast', 'quant.dcast', 'nn.clamp', 'nn.return']);
    expect(quant(find(module, 'quant.qcast'))).toMatchObject({
      storage: 'u8',
      params: { scale: [0.5], zeroPoint: [10] },
    });
  });

  it('of weights keep the codes, one scale a channel, and stay codes when they are transposed', () => {
    const w = { w: i8([2, 3], 1, -2, 3, -4, 5, -6), ws: f32([2], 0.5, 0.25), wz: i8([2], 0, 1) };
    const attributes = [int('transB', 1)];
    const nodes = [
      node('DequantizeLinear', ['w', 'ws', 'wz'], ['d'], [int('axis', 0)]),
      node('Gemm', ['x', 'd'], ['y'], attributes),
    ];
    const module = load(nodes, w);
    expect(names(module)).toEqual(['nn.constant', 'quant.dcast', 'nn.matmul', 'nn.return']);
    expect(quant(find(module, 'nn.constant'))).toMatchObject({
      storage: 'i8',
      granularity: { kind: 'axis', axis: 1 },
      params: { scale: [0.5, 0.25], zeroPoint: [0, 1] },
    });
    const y = interpret(module, { x: f32([2, 3], 1, 0, 0, 0, 1, 0) }).y;
    expect(y?.data).toEqual(Float32Array.of(0.5, -1.25, -1, 1));
  });

  it('of weights in blocks keep the codes', () => {
    const w = { w: i8([3, 2], 1, -2, 3, -4, 5, -6), ws: f32([2, 2], 1, 2, 4, 8) };
    const attributes = [int('axis', 0), int('block_size', 2)];
    const nodes = [node('DequantizeLinear', ['w', 'ws'], ['d'], attributes), node('MatMul', ['x', 'd'], ['y'])];
    const module = load(nodes, w);
    expect(quant(find(module, 'nn.constant'))?.granularity).toEqual({ kind: 'block', axis: 0, size: 2 });
    const y = interpret(module, { x: f32([2, 3], 1, 1, 1, 0, 0, 1) }).y;
    expect(y?.data).toEqual(Float32Array.of(24, -60, 20, -48));
  });

  it('with scales that are computed are arithmetic', () => {
    const module = load([...roundTrip, node('Relu', ['d'], ['y'])], { z: u8([], 10) }, true);
    expect(names(module).some((name) => name.startsWith('quant.'))).toBe(false);
    const y = interpret(module, { x: f32([2, 3], 0.3, 0.2, 9, -2, 1000, 1.3), s: f32([], 0.5) }).y;
    expect(y?.data).toEqual(Float32Array.of(0.5, 0, 9, 0, 122.5, 1.5));
  });

  it('refuse scales that do not fit, and a zero point of another type', () => {
    const nodes = [node('DequantizeLinear', ['w', 'ws', 'wz'], ['y'], [int('axis', 0)])];
    const w = { w: i8([2, 3], 1, 2, 3, 4, 5, 6) };
    expect(() => load(nodes, { ...w, ws: f32([3], 1, 1, 1), wz: i8([3], 0, 0, 0) })).toThrow(
      /\[3\] on \[2, 3\][\s\S]*y/,
    );
    expect(() => load(nodes, { ...w, ws: f32([], 1), wz: u8([], 0) })).toThrow(/i8 with a zero point of u8/);
  });
});
