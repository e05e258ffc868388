import { type AttributeProto, encodeModel, tensorInfo, tensorProto } from '../../src/onnx/proto/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

export interface OneNode {
  readonly opType: string;
  /** Default: ONNX's own. */
  readonly domain?: string;
  readonly opset?: number;
  /** Names of inputs, or weights with their names. */
  readonly inputs: readonly (string | readonly [name: string, weights: HostTensor])[];
  readonly x: Pick<HostTensor, 'dtype' | 'shape'>;
  readonly y: Pick<HostTensor, 'dtype' | 'shape'>;
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

const attribute = ([name, value]: [string, number | readonly number[]]): AttributeProto =>
  typeof value === 'number'
    ? { name, type: 'int', value: BigInt(value) }
    : { name, type: 'ints', value: value.map(BigInt) };

/** A model of one node from `x` to `y`. Attributes are whole numbers. */
export function oneNodeModel({ opType, domain = '', opset = 13, inputs, x, y, attributes = {} }: OneNode): Uint8Array {
  const weights = inputs.flatMap((one) => (typeof one === 'string' ? [] : [tensorProto(one[0], one[1])]));
  const names = inputs.map((one) => (typeof one === 'string' ? one : one[0]));
  const node = { name: opType, opType, domain, overload: '', inputs: names, outputs: ['y'] };
  return encodeModel({
    irVersion: opset > 20 ? 10 : 8,
    producerName: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    opsetImports: [{ domain: '', version: opset }, ...(domain ? [{ domain, version: 1 }] : [])],
    functions: [],
    metadata: [],
    graph: {
      name: opType,
      nodes: [{ ...node, attributes: Object.entries(attributes).map(attribute) }],
      initializers: weights,
      sparseInitializers: [],
      inputs: [tensorInfo('x', x.dtype, x.shape)],
      outputs: [tensorInfo('y', y.dtype, y.shape)],
      valueInfos: [],
    },
  });
}
