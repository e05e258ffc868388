import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { HostTensor, TypedArray } from '../../src/support/tensor.ts';
import type { Runner } from '../runner.ts';
import { fromNpm } from './fromNpm.ts';

const version = '4.22.0';

/** What TensorFlow.js has for a float case. Weights are as ONNX has them. */
export type TfOperation =
  | { readonly kind: 'matMul'; readonly weights: HostTensor }
  | {
      readonly kind: 'conv2d' | 'depthwiseConv2d';
      readonly weights: HostTensor;
      readonly stride: number;
      readonly pad: number;
    }
  | { readonly kind: 'softmax' };

interface TfTensor {
  dataSync(): TypedArray;
  dispose(): void;
}

/** The part of the library that is used. */
interface Tf {
  setBackend(name: string): Promise<boolean>;
  tensor(data: TypedArray, shape: readonly number[]): TfTensor;
  transpose(x: TfTensor, order: readonly number[]): TfTensor;
  matMul(a: TfTensor, b: TfTensor): TfTensor;
  softmax(x: TfTensor): TfTensor;
  conv2d(x: TfTensor, filter: TfTensor, stride: number, pad: number): TfTensor;
  depthwiseConv2d(x: TfTensor, filter: TfTensor, stride: number, pad: number): TfTensor;
}

let loaded: Promise<Tf | undefined> | undefined;

/** The library with its backend in WebAssembly, on one thread: Node gives it no more. */
async function load(): Promise<Tf | undefined> {
  const modules = fromNpm(`@tensorflow/tfjs-core@${version}`, `@tensorflow/tfjs-backend-wasm@${version}`);
  if (!modules) return undefined;
  const require = createRequire(join(modules, 'here.cjs'));
  const tf = require('@tensorflow/tfjs-core') as Tf;
  const backend = require.resolve('@tensorflow/tfjs-backend-wasm');
  (require(backend) as { setWasmPaths(path: string): void }).setWasmPaths(`${dirname(backend)}/`);
  return (await tf.setBackend('wasm')) ? tf : undefined;
}

/** A runner on the input given, and its results in the order of ONNX. */
export interface TfRunner extends Runner {
  results(): TypedArray;
}

/** Undefined where TensorFlow.js is not to be had. The input is handed over once: tensors stay in its memory. */
export async function tfjs(operation: TfOperation, x: HostTensor): Promise<TfRunner | undefined> {
  loaded ??= load();
  const tf = await loaded;
  if (!tf) return undefined;
  const given = ({ data, shape }: HostTensor, ...order: number[]) => {
    const tensor = tf.tensor(data, shape);
    return order.length > 0 ? tf.transpose(tensor, order) : tensor;
  };
  const isConv = operation.kind === 'conv2d' || operation.kind === 'depthwiseConv2d';
  const input = isConv ? given(x, 0, 2, 3, 1) : given(x);
  const make = (): (() => TfTensor) => {
    if (operation.kind === 'softmax') return () => tf.softmax(input);
    if (operation.kind === 'matMul') {
      const weights = given(operation.weights);
      return () => tf.matMul(input, weights);
    }
    const { kind, weights, stride, pad } = operation;
    const filter = kind === 'conv2d' ? given(weights, 2, 3, 1, 0) : given(weights, 2, 3, 0, 1);
    return () => tf[kind](input, filter, stride, pad);
  };
  const compute = make();
  return {
    name: 'TensorFlow.js',
    run() {
      const y = compute();
      const data = y.dataSync();
      y.dispose();
      return { y: data };
    },
    results() {
      const y = compute();
      return (isConv ? tf.transpose(y, [0, 3, 1, 2]) : y).dataSync();
    },
  };
}
