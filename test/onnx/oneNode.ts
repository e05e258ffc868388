import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect } from 'vitest';
import { registry } from '../../dialects/index.ts';
import { interpret } from '../../src/interpret/index.ts';
import { verifyModule } from '../../src/ir/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import { type AttributeProto, encodeModel, tensorInfo, tensorProto } from '../../src/onnx/proto/index.ts';
import { type DType, elementCount, type HostTensor, type TypedArray, typedArrayOf } from '../../src/support/tensor.ts';
import { compareTensors } from './backendTest.ts';

// One node, in a model of its own, in the interpreter and in onnxruntime.

let state = 1;
/** Numbers in [0, 1), the same in every run. */
function random(): number {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
  return state / 0x80000000;
}

export const fill = (dtype: DType, shape: number[], make: () => number): HostTensor => {
  const data = new (typedArrayOf(dtype))(elementCount(shape)) as Float32Array;
  for (let i = 0; i < data.length; i++) data[i] = make();
  return { dtype, shape, data };
};
export const floats = (shape: number[], scale = 2) => fill('f32', shape, () => scale * (random() - 0.5));
export const positive = (shape: number[], scale = 0.1) => fill('f32', shape, () => scale * (0.25 + random()));
export const codes = (dtype: 'i8' | 'u8', shape: number[]) =>
  fill(dtype, shape, () => Math.floor(256 * random()) - (dtype === 'i8' ? 128 : 0));
export const ids = (shape: number[], below: number) => fill('i32', shape, () => Math.floor(below * random()));
export const scalar = (dtype: DType, value: number): HostTensor => fill(dtype, [], () => value);

/** An input of the node: a tensor; `fixed` ones are initializers. */
export type Input = HostTensor | { readonly fixed: HostTensor } | undefined;
type Attributes = Record<string, number | number[] | string>;

export interface Case {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly Input[];
  readonly attributes?: Attributes;
  /** Default: one. Empty names are left out. */
  readonly outputs?: readonly string[];
  readonly domain?: string;
}

const attributeProto = ([name, value]: [string, number | number[] | string]): AttributeProto => {
  if (typeof value === 'string') return { name, type: 'string', value: new TextEncoder().encode(value) };
  // Floats are written with a fraction in the cases below.
  if (Array.isArray(value)) return { name, type: 'floats', value };
  return Number.isInteger(value) ? { name, type: 'int', value: BigInt(value) } : { name, type: 'float', value };
};

export function modelOf({ op, inputs, attributes = {}, outputs = ['y'], domain = 'com.microsoft' }: Case): Uint8Array {
  const open = inputs.flatMap((input, i) => (input && !('fixed' in input) ? [[`x${i}`, input] as const] : []));
  const fixed = inputs.flatMap((input, i) => (input && 'fixed' in input ? [[`x${i}`, input.fixed] as const] : []));
  const names = inputs.map((input, i) => (input ? `x${i}` : ''));
  const ints = ['kernel_shape', 'pads', 'strides', 'dilations', 'output_padding', 'axes'];
  const protos = Object.entries(attributes).map((entry): AttributeProto => {
    const [name, value] = entry;
    return ints.includes(name) ? { name, type: 'ints', value: (value as number[]).map(BigInt) } : attributeProto(entry);
  });
  return encodeModel({
    irVersion: 8,
    producerName: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    opsetImports: [
      { domain: '', version: 17 },
      { domain: 'com.microsoft', version: 1 },
    ],
    graph: {
      name: 'g',
      nodes: [{ name: 'node', opType: op, domain, overload: '', inputs: names, outputs, attributes: protos }],
      initializers: fixed.map(([name, tensor]) => tensorProto(name, tensor)),
      sparseInitializers: [],
      inputs: open.map(([name, { dtype, shape }]) => tensorInfo(name, dtype, shape)),
      outputs: outputs.filter((name) => name !== '').map((name) => ({ name, type: undefined })),
      valueInfos: [],
    },
    functions: [],
    metadata: [],
  });
}

const ortTypes: Partial<Record<DType, 'float32' | 'int8' | 'uint8' | 'int32' | 'int64'>> = {
  f32: 'float32',
  i8: 'int8',
  u8: 'uint8',
  i32: 'int32',
  i64: 'int64',
};
const dtypes: Record<string, DType> = { float32: 'f32', int8: 'i8', uint8: 'u8', int32: 'i32', int64: 'i64' };

export async function expectAgreement(testCase: Case): Promise<void> {
  const bytes = modelOf(testCase);
  const given = Object.fromEntries(
    testCase.inputs.flatMap((input, i) => (input && !('fixed' in input) ? [[`x${i}`, input] as const] : [])),
  );
  const module = importOnnx(bytes, { registry });
  verifyModule(module);
  const actual = interpret(module, given);
  const session = await InferenceSession.create(bytes, { graphOptimizationLevel: 'disabled', logSeverityLevel: 3 });
  const feeds = Object.entries(given).map(([name, { dtype, shape, data }]) => [
    name,
    new Tensor(ortTypes[dtype] as 'float32', data as Float32Array, shape),
  ]);
  const expected = await session.run(Object.fromEntries(feeds));
  for (const [name, { type, dims, data }] of Object.entries(expected)) {
    const wanted: HostTensor = { dtype: dtypes[type] as DType, shape: dims, data: data as TypedArray };
    const got = actual[name] as HostTensor;
    const { dtype, shape } = wanted;
    const isCode = dtype === 'i8' || dtype === 'u8';
    expect({ dtype: got.dtype, shape: got.shape }, name).toEqual({ dtype, shape });
    // onnxruntime's kernels on codes approximate: one quantum is allowed.
    if (isCode) wanted.data.forEach((v, i) => void expect(Math.abs(Number(v) - Number(got.data[i]))).toBeLessThan(2));
    else expect(compareTensors(got, wanted, 1e-5), name).toBeUndefined();
  }
}

export const fixed = (tensor: HostTensor): Input => ({ fixed: tensor });
/** A constant number. */
export const real = (value: number) => fixed(scalar('f32', value));
export const code = (dtype: 'i8' | 'u8', value: number) => fixed(scalar(dtype, value));
