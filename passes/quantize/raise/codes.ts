import { add } from '../../../dialects/nn/binary.ts';
import { cast } from '../../../dialects/nn/cast.ts';
import { clamp } from '../../../dialects/nn/clamp.ts';
import { dcast } from '../../../dialects/quant/dcast.ts';
import { qcast } from '../../../dialects/quant/qcast.ts';
import { scast } from '../../../dialects/quant/scast.ts';
import {
  affine,
  type Block,
  bitsOf,
  isInteger,
  type Op,
  type QuantType,
  quantOf,
  type Rewriter,
  type TensorType,
  uniformParams,
  type Value,
  withElement,
} from '../../../src/ir/index.ts';
import { sumMultipliers, sumMultipliers16 } from '../../../src/numerics/index.ts';
import { constantName, constantOf, createConstant, createInts } from '../../constants.ts';

/** What integer ops compute on. */
export const computable = 'in 8 bits, or in 16 signed ones around zero, with one scale';

/** Whether codes are stored so. */
export function isComputable(type: QuantType | undefined): type is QuantType {
  const params = type && uniformParams(type);
  if (!params || !isInteger(type.storage)) return false;
  return bitsOf(type.storage) === 8 || (type.storage === 'i16' && params.zeroPoint === 0);
}

/** Bits of the widest codes, by which multipliers are chosen. */
export const widestBits = (types: readonly QuantType[]): 8 | 16 =>
  types.some(({ storage }) => storage === 'i16') ? 16 : 8;

/** A type that integer kernels take: of unsigned codes, the same codes and zero point less 128. */
export function signedType(type: QuantType): QuantType {
  const { scale, zeroPoint } = uniformParams(type) as { scale: number; zeroPoint: number };
  return type.storage === 'u8' ? affine('i8', scale, zeroPoint - 128) : type;
}

export const scaleOf = (type: QuantType): number => (uniformParams(type) as { scale: number }).scale;

export const quantTypeOf = (value: Value): QuantType => quantOf(value.type as TensorType) as QuantType;

/** The codes that a float value was made from, where integer ops compute on them; as signed ones. */
export function codesBehind(rewriter: Rewriter, value: Value | undefined): Value | undefined {
  if (!value?.op || !dcast.is(value.op)) return undefined;
  const codes = value.op.operand(0);
  const type = quantOf(codes.type as TensorType);
  if (!isComputable(type)) return undefined;
  return type.storage === 'u8' ? signedCodes(rewriter, codes, signedType(type)) : codes;
}

/** Codes less 128, right behind them; their source alone where that gives them directly. */
function signedCodes(rewriter: Rewriter, codes: Value, type: QuantType): Value {
  const types = [withElement(codes.type as TensorType, type)];
  const { op } = codes;
  if (op) rewriter.after(op);
  else rewriter.atStart(codes.definer as Block);
  if (qcast.is(op)) return rewriter.create(qcast, { x: op.operand(0) }, {}, { types }).result;
  const known = constantOf(codes);
  if (known) {
    const data = Int8Array.from(known.data as Uint8Array, (code) => code - 128);
    return createConstant(rewriter, constantName(codes, ''), { ...known, dtype: 'i8', data }, type);
  }
  const plain = rewriter.create(
    scast,
    { x: codes },
    {},
    { types: [withElement(codes.type as TensorType, 'u8')] },
  ).result;
  return rewriter.create(scast, { x: shifted(rewriter, plain, -128, 'i8') }, {}, { types }).result;
}

/** Bytes and a number, as bytes of another sign. */
function shifted(rewriter: Rewriter, bytes: Value, by: number, to: 'i8' | 'u8'): Value {
  const wide = rewriter.create(cast, { x: bytes }, { to: 'i32' }).result;
  const sum = rewriter.create(add, { a: wide, b: createInts(rewriter, 'shift', [], [by]) }).result;
  return rewriter.create(cast, { x: sum }, { to }).result;
}

/** The type of the codes that every reader of a value turns it into; undefined where one reads it as it is. */
export function commonCodes(value: Value): QuantType | undefined {
  const types = new Set([...value.users].map((user) => (qcast.is(user) ? quantTypeOf(user.result) : undefined)));
  const [type] = types;
  return types.size === 1 && isComputable(type) ? type : undefined;
}

/** Replaces the readers of a value, which all turn it into codes, by these codes, signed or as they were. */
export function replaceReaders(rewriter: Rewriter, value: Value, codes: Value): void {
  for (const user of value.users) replaceCodes(rewriter, user, codes);
}

/** Replaces what makes codes by the same ones, which may be signed in their place. */
export function replaceCodes(rewriter: Rewriter, op: Op, codes: Value): void {
  if (op.result.type === codes.type) {
    rewriter.replace(op, [codes]);
    return;
  }
  for (const user of op.result.users) {
    rewriter.before(user);
    if (dcast.is(user))
      rewriter.replace(user, [rewriter.create(dcast, { x: codes }, {}, { types: [user.result.type] }).result]);
  }
  if (op.result.uses.size === 0) {
    rewriter.erase(op);
    return;
  }
  rewriter.before(op);
  const plain = rewriter.create(
    scast,
    { x: codes },
    {},
    { types: [withElement(codes.type as TensorType, 'i8')] },
  ).result;
  const unsigned = shifted(rewriter, plain, 128, 'u8');
  rewriter.replace(op, [rewriter.create(scast, { x: unsigned }, {}, { types: [op.result.type] }).result]);
}

/**
 * Codes under another type, by a clamp without bounds; the same ones where they have that type. Before `at`.
 * @throws QcError where the ratio of the scales has no multiplier
 */
export function rescaled(rewriter: Rewriter, codes: Value, type: QuantType, at: Op): Value {
  if (quantTypeOf(codes) === type) return codes;
  const multipliers = widestBits([quantTypeOf(codes), type]) > 8 ? sumMultipliers16 : sumMultipliers;
  multipliers([scaleOf(quantTypeOf(codes))], scaleOf(type), at.source);
  rewriter.before(at);
  const types = [withElement(codes.type as TensorType, type)];
  return rewriter.create(clamp, { x: codes }, {}, { types }).result;
}
