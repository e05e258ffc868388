import { type Module, type ScalarType, storageOf, type TensorType, type Value } from '../../ir/index.ts';
import type { NodeProto } from '../proto/index.ts';

/** A version of the standard operator set, the IR version it came with, and what cannot do with an older one. */
interface OperatorSet {
  readonly opset: number;
  readonly irVersion: number;
  readonly elements?: readonly ScalarType[];
  readonly operators?: readonly string[];
  readonly attributes?: readonly string[];
}

const operatorSets: readonly OperatorSet[] = [
  { opset: 20, irVersion: 9 },
  { opset: 21, irVersion: 10, elements: ['i16', 'u16', 'i4', 'u4'], attributes: ['block_size'] },
  { opset: 22, irVersion: 10, elements: ['bf16'] },
  { opset: 23, irVersion: 11, elements: ['f4e2m1'] },
  { opset: 24, irVersion: 12, elements: ['f8e8m0'] },
  { opset: 25, irVersion: 13, elements: ['i2', 'u2'] },
  { opset: 26, irVersion: 13, operators: ['CumProd'] },
];

/** The oldest operator set that knows everything a model uses: more runtimes read it. */
export function operatorSetFor(module: Module, nodes: readonly NodeProto[]): OperatorSet {
  const elementOf = (value: Value) => storageOf((value.type as TensorType).element);
  const elements = new Set(
    [...module.main.body.args, ...[...module.main.body.ops()].flatMap((op) => op.results)].map(elementOf),
  );
  const operators = new Set(nodes.map(({ opType }) => opType));
  const attributes = new Set(nodes.flatMap((node) => node.attributes.map(({ name }) => name)));
  const isNeeded = (set: OperatorSet) =>
    (set.elements ?? []).some((element) => elements.has(element)) ||
    (set.operators ?? []).some((operator) => operators.has(operator)) ||
    (set.attributes ?? []).some((attribute) => attributes.has(attribute));
  return operatorSets.findLast(isNeeded) ?? (operatorSets[0] as OperatorSet);
}
