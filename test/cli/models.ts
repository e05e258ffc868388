import {
  type AttributeProto,
  encodeModel,
  type ModelProto,
  type NodeProto,
  tensorInfo,
  tensorProto,
} from '../../src/onnx/proto/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

const node = (
  opType: string,
  inputs: string[],
  outputs: string[],
  name: string,
  attributes: AttributeProto[] = [],
): NodeProto => ({ name, opType, domain: '', overload: '', inputs, outputs, attributes });

const ints = (name: string, values: number[]): AttributeProto => ({ name, type: 'ints', value: values.map(BigInt) });

/** Numbers without symmetry in [-1, 1). */
export function numbers(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => ((i * 37 + 11) % 64) / 32 - 1);
}

/** An input for the model: [1, 2, 6, 6]. */
export const image: HostTensor = { dtype: 'f32', shape: [1, 2, 6, 6], data: numbers(72) };

/** Calibration samples: [4, 2, 6, 6]. */
export const samples: HostTensor = { dtype: 'f32', shape: [4, 2, 6, 6], data: numbers(288) };

/** image [N, 2, 6, 6] -> Conv 'first' -> Relu -> Conv 'second' -> scores [N, 3, 3, 3], as a .onnx file's bytes. */
export function tinyModel(change: (nodes: NodeProto[]) => NodeProto[] = (nodes) => nodes): Uint8Array {
  const float = (name: string, shape: number[]) =>
    tensorProto(name, { dtype: 'f32', shape, data: numbers(shape.reduce((a, b) => a * b)) });
  const nodes = [
    node('Conv', ['image', 'w1', 'b1'], ['a'], 'first', [ints('pads', [1, 1, 1, 1])]),
    node('Relu', ['a'], ['b'], 'activation'),
    node('Conv', ['b', 'w2'], ['scores'], 'second', [ints('strides', [2, 2]), ints('pads', [1, 1, 1, 1])]),
  ];
  const model: ModelProto = {
    irVersion: 8,
    producerName: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    opsetImports: [{ domain: '', version: 13 }],
    graph: {
      name: 'tiny',
      nodes: change(nodes),
      initializers: [float('w1', [4, 2, 3, 3]), float('b1', [4]), float('w2', [3, 4, 3, 3])],
      sparseInitializers: [],
      inputs: [tensorInfo('image', 'f32', ['N', 2, 6, 6])],
      outputs: [tensorInfo('scores', 'f32', ['N', 3, 3, 3])],
      valueInfos: [],
    },
    functions: [],
    metadata: [],
  };
  return encodeModel(model);
}
