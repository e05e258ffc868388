import { attr, defineOp, type OnnxNode, type Resource, type TensorType, type Value } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor, TypedArray } from '../../src/support/tensor.ts';
import { knownCount } from './axes.ts';

const loaded = new WeakMap<Resource, TypedArray>();

/** The elements of a resource; read once as long as the resource lives, unless it is kept outside of memory. */
function elementsOf(resource: Resource): TypedArray {
  if (resource.kept === 'elsewhere') return resource.data();
  const known = loaded.get(resource);
  if (known) return known;
  const data = resource.data();
  loaded.set(resource, data);
  return data;
}

export const constant = defineOp({
  name: 'nn.constant',
  summary: 'A tensor known at compile time; of a quantized type, its codes.',
  operands: {},
  attributes: { value: attr.resource() },
  domain: 'codes',
  typing: 'declared',
  verify(_, { value }, op) {
    const type = op.results[0]?.type as TensorType;
    const count = knownCount(type.shape);
    if (value.length !== count) {
      throw new QcError({ what: `the constant has ${value.length} elements, its type ${type.key} has ${count}` });
    }
  },
  evaluate(_, { value }, { results }): HostTensor {
    return { dtype: value.element, shape: (results[0] as TensorType).shape as number[], data: elementsOf(value) };
  },
  onnx: [{ op: 'Constant', build: importConstant }],
});

function importConstant(node: OnnxNode): Value {
  const scalarOrList = (name: string, values: readonly number[], dtype: 'f32' | 'i64'): Value => {
    const shape = name.endsWith('s') ? [values.length] : [];
    const data = dtype === 'f32' ? Float32Array.from(values) : BigInt64Array.from(values, BigInt);
    return node.createConstant({ dtype, shape, data });
  };
  if (node.hasAttribute('value_float')) return scalarOrList('value_float', [node.float('value_float')], 'f32');
  if (node.hasAttribute('value_floats')) return scalarOrList('value_floats', node.floats('value_floats'), 'f32');
  if (node.hasAttribute('value_int')) return scalarOrList('value_int', [node.int('value_int')], 'i64');
  if (node.hasAttribute('value_ints')) return scalarOrList('value_ints', node.ints('value_ints'), 'i64');
  return node.createConstant(node.tensor('value') ?? node.refuse('a constant without numbers'));
}
