import { add, mul, sub } from '../../../dialects/nn/binary.ts';
import { avgPool } from '../../../dialects/nn/pool.ts';
import { reduceMean } from '../../../dialects/nn/reduce.ts';
import {
  type Op,
  type OpDefinition,
  type Rewriter,
  type TensorType,
  type Value,
  withElement,
} from '../../../src/ir/index.ts';
import { tableFunctionOf } from '../../integer/unaryTables.ts';
import { checkComputed } from '../refusal.ts';
import {
  codesBehind,
  commonCodes,
  computable,
  quantTypeOf,
  replaceReaders,
  scaleOf,
  signedType,
  widestBits,
} from './codes.ts';

const computed: ReadonlySet<OpDefinition> = new Set<OpDefinition>([add, sub, mul, reduceMean, avgPool]);

/** Whether `integer/` computes an op on codes, result by result. */
export function isComputed(op: Op): boolean {
  return computed.has(op.definition) || tableFunctionOf(op) !== undefined;
}

/** A sum, product, mean or function of codes; a string says why it stays float. @throws QcError as a reason, too */
export function raiseComputed(rewriter: Rewriter, op: Op): string | undefined {
  const operands = op.operands.map((operand) => codesBehind(rewriter, operand));
  if (!operands.every((codes) => codes !== undefined)) return `its operands are not all stored ${computable}`;
  const wanted = commonCodes(op.result);
  if (!wanted) return `its results are not stored ${computable}`;
  const type = signedType(wanted);
  if (op.definition === reduceMean || op.definition === avgPool) {
    const { shape } = op.operand(0).type as TensorType;
    if (!shape.slice(1).every((dim) => typeof dim === 'number')) return 'the number of its cells is not known';
    if (op.definition === avgPool && avgPool.attributesOf(op).dilations?.some((d) => d !== 1)) return 'it is dilated';
  }
  const types = operands.map((codes) => quantTypeOf(codes as Value));
  checkComputed(op, types.map(scaleOf), scaleOf(type), widestBits([...types, type]));
  rewriter.before(op);
  const result = withElement(op.result.type as TensorType, type);
  const made = rewriter.createRaw(op.definition, operands, op.attributes, { types: [result], source: op.source });
  replaceReaders(rewriter, op.result, made.result);
  return undefined;
}
