import {
  type AttributeProto,
  encodeModel,
  type NodeProto,
  tensorInfo,
  tensorProto,
} from '../../src/onnx/proto/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

export type Port = readonly [name: string, dtype: HostTensor['dtype'], shape: readonly (number | string)[]];

export const node = (
  opType: string,
  inputs: string[],
  outputs: string[],
  attributes: AttributeProto[] = [],
): NodeProto => ({ name: outputs[0] ?? '', opType, domain: '', overload: '', inputs, outputs, attributes });

/** The bytes of a .onnx file of opset 17. */
export function modelOf(
  nodes: NodeProto[],
  inputs: readonly Port[],
  outputs: readonly Port[],
  constants: Readonly<Record<string, HostTensor>> = {},
): Uint8Array {
  return encodeModel({
    irVersion: 8,
    producerName: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    opsetImports: [{ domain: '', version: 17 }],
    graph: {
      name: 'graph',
      nodes,
      initializers: Object.entries(constants).map(([name, tensor]) => tensorProto(name, tensor)),
      sparseInitializers: [],
      inputs: inputs.map(([name, dtype, shape]) => tensorInfo(name, dtype, [...shape])),
      outputs: outputs.map(([name, dtype, shape]) => tensorInfo(name, dtype, [...shape])),
      valueInfos: [],
    },
    functions: [],
    metadata: [],
  });
}

/** Floats without symmetry in [-1, 1). */
export function floats(shape: number[], seed = 1): HostTensor {
  const count = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: count }, (_, i) => (((i + seed) * 7919 + seed * 104729) % 2048) / 1024 - 1);
  return { dtype: 'f32', shape, data };
}
