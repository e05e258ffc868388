import { Resource } from '../ir/index.ts';
import { bytesOfTensor, elementCount } from '../support/tensor.ts';
import {
  type ExternalData,
  type GraphProto,
  hostTensor,
  type OnnxTensor,
  readTensor,
  tensorReader,
} from './proto/index.ts';

/**
 * The checked initializers of a graph by name. Nothing is decoded or read; external data is looked for, so that a model
 * whose data file is missing or too short is refused here.
 * @throws QcError
 */
export function readInitializers(graph: GraphProto, external: ExternalData | undefined): Map<string, OnnxTensor> {
  const tensors = new Map<string, OnnxTensor>();
  for (const proto of graph.initializers) {
    const tensor = readTensor(proto, `initializer '${proto.name}'`);
    tensorReader(tensor, external);
    tensors.set(proto.name, tensor);
  }
  return tensors;
}

/** A tensor of the model as a resource: the bytes stay where they are until they are read. */
export function resourceOf(tensor: OnnxTensor, external: ExternalData | undefined): Resource {
  const read = () => bytesOfTensor(hostTensor(tensor, external));
  const kept = tensor.data.kind === 'external' ? 'elsewhere' : 'here';
  return new Resource(tensor.name, tensor.dtype, elementCount(tensor.shape), read, kept);
}
