import { angle } from '../../dialects/nn/angle.ts';
import { add, div, max, min, mul, sub } from '../../dialects/nn/binary.ts';
import { clamp } from '../../dialects/nn/clamp.ts';
import { compareOps } from '../../dialects/nn/compare.ts';
import { concat } from '../../dialects/nn/concat.ts';
import { softmax } from '../../dialects/nn/softmax.ts';
import { cos, erf, hardSigmoid, sigmoid, sin, softsign, sqrt, tanh } from '../../dialects/nn/unary.ts';
import { where } from '../../dialects/nn/where.ts';
import { dcast } from '../../dialects/quant/dcast.ts';
import { observe } from '../../dialects/quant/observe.ts';
import { qcast } from '../../dialects/quant/qcast.ts';
import { loadRange, type Range } from '../../src/calibrate/index.ts';
import {
  affine,
  type Block,
  type Module,
  type Op,
  type OpDefinition,
  type QuantType,
  quantOf,
  Rewriter,
  type TensorType,
  uniformParams,
  type Value,
  withElement,
} from '../../src/ir/index.ts';
import {
  ANGLE_SCALE,
  carriedShift,
  chooseActivationParams,
  pow2,
  quantizeF32,
  splitExponent,
} from '../../src/numerics/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { applyGreedily } from '../../src/rewrite/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { constantName, createConstant, createFloats, floatConstantOf, splatOf } from '../constants.ts';
import { isFloat32, isMove } from './capabilities.ts';
import { carriedValues } from './carriedValues.ts';
import { largest, wideMargin } from './feasiblePlan.ts';
import { reachableRange } from './reachableRange.ts';

/** What stayed float becomes codes of 16 bits, so that only inputs and outputs are float. */
export const quantizeIslands = definePass({
  name: 'quantize-islands',
  summary: 'Gives what is still float after quantize codes of 16 bits; float remains at inputs and outputs alone.',
  phase: 'quantize',
  preserves: { snr: 10 },
  run(module) {
    const ranges = takeObservers(module);
    const carried = carriedValues(module, ranges, (op) => joining.has(op.definition) || withoutZero(op) !== undefined);
    const islands = new Islands(ranges, carried);
    const { body } = module.main;
    for (const arg of body.args) islands.quantizeInput(arg, body);
    for (const op of [...body.ops()]) islands.visit(op);
    applyGreedily(body, []);
  },
});

/** Takes the observers out; the ranges of the values that they saw. */
function takeObservers(module: Module): Map<Value, Range> {
  const ranges = new Map<Value, Range>();
  const rewriter = new Rewriter();
  for (const op of module.main.body.ops()) {
    if (!observe.is(op)) continue;
    const range = loadRange(module, observe.attributesOf(op).stats);
    if (range) ranges.set(op.operand(0), withMargin(op.operand(0), range));
    rewriter.replace(op, [op.operand(0)]);
  }
  return ranges;
}

/** What functions come to at most, whatever they are given. */
const bounds: ReadonlyMap<OpDefinition, Range> = new Map<OpDefinition, Range>([
  ...[sigmoid, hardSigmoid, softmax].map((op): [OpDefinition, Range] => [op, { min: 0, max: 1 }]),
  ...[tanh, erf, sin, cos, softsign].map((op): [OpDefinition, Range] => [op, { min: -1, max: 1 }]),
]);

/** A range that leaves room for what calibration has not seen: one bit of 16 costs little, a saturated value much. */
function withMargin({ op }: Value, { min, max }: Range): Range {
  const most = (op && bounds.get(op.definition)) ?? { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
  return { min: Math.max(wideMargin * min, most.min), max: Math.min(wideMargin * max, most.max) };
}

/** Ops whose operands and result have one type. */
const joining: ReadonlySet<OpDefinition> = new Set<OpDefinition>([concat, where, max, min]);
const comparing: ReadonlySet<OpDefinition> = new Set<OpDefinition>(compareOps);

const elementOf = (value: Value): QuantType => quantOf(value.type as TensorType) as QuantType;

/** The type of 16-bit codes that reach from −max(|min|, |max|) to that. */
function wideType(min: number, max: number, where: string): QuantType {
  return affine('i16', chooseActivationParams(min, max, 16, where).scale);
}

/**
 * The type of what is carried from run to run: 24 bits, which f32 holds, at a power of two, so that as a float it is
 * exactly what it was.
 */
function carriedType(range: Range): QuantType {
  return affine('i32', pow2(splitExponent(Math.max(largest(range), pow2(-100))).e - 24));
}

/** Makes quantized twins of float ops, one after the other; what they replace is left without uses. */
class Islands {
  readonly #ranges: ReadonlyMap<Value, Range>;
  /** Sums that come back as inputs, and what holds them on the way. */
  readonly #carried: ReadonlySet<Value>;
  readonly #rewriter = new Rewriter();
  /** The codes of float values. */
  readonly #codes = new Map<Value, Value>();

  constructor(ranges: ReadonlyMap<Value, Range>, carried: ReadonlySet<Value>) {
    this.#ranges = ranges;
    this.#carried = carried;
  }

  /** An input is turned into codes once, by the type that most bits are asked for. */
  quantizeInput(arg: Value, body: Block): void {
    if (!isFloat32(arg) || arg.uses.size === 0) return;
    this.#rewriter.atStart(body);
    const types = [withElement(arg.type as TensorType, this.#typeFor(arg, arg.name ?? ''))];
    this.#codes.set(arg, this.#rewriter.create(qcast, { x: arg }, {}, { types, source: arg.name ?? '' }).result);
  }

  visit(op: Op): void {
    this.#rewriter.before(op);
    if (op.definition.terminator) this.#castResults(op);
    else if (qcast.is(op)) {
      const codes = this.#codes.get(op.operand(0));
      if (codes && codes.op !== op) this.#rewriter.replaceUses(op.result, this.#aligned(codes, elementOf(op.result)));
    } else if (dcast.is(op)) this.#codes.set(op.result, this.#ofQuantized(op));
    else if (isFloatOp(op)) this.#twin(op);
  }

  /** Codes as they are; accumulators are rescaled by the layer that makes them. */
  #ofQuantized(op: Op): Value {
    const x = op.operand(0);
    const layer = x.op;
    if (elementOf(x).storage !== 'i32' || !layer) return x;
    const types = [withElement(x.type as TensorType, this.#typeFor(op.result, op.source))];
    const { definition, operands, attributes, source } = layer;
    return this.#rewriter.createRaw(definition, operands, attributes, { types, source }).result;
  }

  /** The same op on codes. */
  #twin(op: Op): void {
    const same = withoutZero(op);
    if (same && this.#codes.has(same)) {
      this.#codes.set(op.result, this.#codesOf(same, op));
      return;
    }
    const { definition, operands, attributes, source } = asProduct(this.#rewriter, op);
    if (!isFloat32(op.results[0])) {
      const common = comparing.has(definition) ? this.#commonType(op) : undefined;
      const read = operands.map((v, i) => {
        if (!v || !isFloat32(v)) return v;
        return common ? this.#joined(v, common, op) : this.#readBy(op, i, v);
      });
      this.#rewriter.replace(op, this.#rewriter.createRaw(definition, read, attributes, { source }).results);
      return;
    }
    if (definition === angle) {
      const types = [withElement(op.result.type as TensorType, affine('i16', ANGLE_SCALE))];
      const read = [this.#readBy(op, 0, operands[0] as Value), operands[1]];
      this.#codes.set(op.result, this.#rewriter.createRaw(definition, read, attributes, { types, source }).result);
      return;
    }
    const joins = joining.has(definition);
    if (!joins && (isMove(op) || definition.typing === 'moves')) {
      const codes = operands.map((v) => v && this.#codesOf(v, op));
      this.#codes.set(op.result, this.#rewriter.createRaw(definition, codes, attributes, { source }).result);
      return;
    }
    const made = (element: QuantType, codes: readonly (Value | undefined)[]): void => {
      const types = [withElement(op.result.type as TensorType, element)];
      this.#codes.set(op.result, this.#rewriter.createRaw(definition, codes, attributes, { types, source }).result);
    };
    if (joins) {
      const element = this.#sharedType(op) ?? this.#typeFor(op.result, source);
      made(
        element,
        operands.map((v) => (v && isFloat32(v) ? this.#joined(v, element, op) : v)),
      );
      return;
    }
    const codes = operands.map((v, i) => (v && isFloat32(v) ? this.#readBy(op, i, v) : v));
    made(exactType(op, codes) ?? this.#typeFor(op.result, source), codes);
  }

  /** The type that all operands of an op have already. */
  #sharedType({ operands }: Op): QuantType | undefined {
    const types = operands.filter(isFloat32).map((v) => {
      const codes = this.#codes.get(v as Value);
      return codes && elementOf(codes);
    });
    return types.every((type) => type === types[0]) ? types[0] : undefined;
  }

  #codesOf(value: Value, reader: Op): Value {
    if (!isFloat32(value)) return value;
    const known = this.#codes.get(value);
    if (known) return known;
    const numbers = floatConstantOf(value)?.data as Float32Array | undefined;
    if (!numbers) throw noCodes(reader);
    const { min, max } = reachableRange(value, this.#ranges);
    return this.#constant(value, wideType(min, max, reader.source), reader);
  }

  /** The codes of operand `index` of an op, of 16 bits at most where it reads none of 32. */
  #readBy(op: Op, index: number, value: Value): Value {
    const codes = this.#codesOf(value, op);
    const isLong = (v: Value | undefined) => v !== undefined && elementOf(v).storage === 'i32';
    const isFirst = !op.operands.slice(0, index).some((v) => v && isLong(this.#codes.get(v)));
    if (!isLong(codes) || readsLong(op, isFirst)) return codes;
    const { min, max } = reachableRange(value, this.#ranges);
    return this.#aligned(codes, wideType(min, max, op.source));
  }

  /** Codes of 16 bits that reach as far as any operand does: what is compared has one scale. */
  #commonType(op: Op): QuantType {
    const ranges = op.operands.map((v) => reachableRange(v as Value, this.#ranges));
    return wideType(Math.min(...ranges.map((r) => r.min)), Math.max(...ranges.map((r) => r.max)), op.source);
  }

  /** An operand of an op whose operands have one type. */
  #joined(value: Value, element: QuantType, reader: Op): Value {
    if (floatConstantOf(value)) return this.#constant(value, element, reader);
    return this.#aligned(this.#codesOf(value, reader), element);
  }

  #constant(value: Value, element: QuantType, reader: Op): Value {
    const { shape, data } = floatConstantOf(value) as { shape: readonly number[]; data: Float32Array };
    const { scale, zeroPoint } = uniformParams(element) as { scale: number; zeroPoint: number };
    const codes =
      element.storage === 'i8'
        ? Int8Array.from(data, (x) => quantizeF32(x, scale, zeroPoint, -128, 127))
        : Int16Array.from(data, (x) => quantizeF32(x, scale, zeroPoint, -32768, 32767));
    const name = constantName(value, reader.source);
    return createConstant(this.#rewriter, name, { dtype: element.storage as 'i16', shape, data: codes }, element);
  }

  /** Codes at another scale: a clamp without bounds. */
  #aligned(codes: Value, element: QuantType): Value {
    const type = codes.type as TensorType;
    if (type.element === element) return codes;
    return this.#rewriter.create(clamp, { x: codes }, {}, { types: [withElement(type, element)] }).result;
  }

  /** What readers in integers ask for, where they all ask for the same; else 16 bits. */
  #typeFor(value: Value, where: string): QuantType {
    if (this.#carried.has(value)) return carriedType(reachableRange(value, this.#ranges));
    const asked = [...value.users].map((user) => (qcast.is(user) ? elementOf(user.result) : undefined));
    const [first] = asked;
    if (first && asked.every((type) => type === first)) return first;
    const { min, max } = reachableRange(value, this.#ranges);
    return wideType(min, max, where);
  }

  /** Results of the model that are float: the real values of their codes. */
  #castResults(end: Op): void {
    end.operands.forEach((value, i) => {
      if (!value || !isFloat32(value)) return;
      const codes = this.#codesOf(value, end);
      this.#rewriter.setOperand(end, i, this.#rewriter.create(dcast, { x: codes }, {}, { types: [value.type] }).result);
    });
  }
}

/** Whether nothing but roots reads a value, or sums that only roots read. */
function feedsRoot(value: Value): boolean {
  const users = [...value.users];
  return users.length > 0 && users.every((user) => sqrt.is(user) || (add.is(user) && feedsRoot(user.result)));
}

/**
 * The type of 32 bits that a result has which is exact, or keeps the bits of what is carried. Products have twice the bits
 * of what they are made from, and are rounded with the sum that alone reads them, or, squares, with the root of them or of
 * their sum.
 */
function exactType(op: Op, codes: readonly (Value | undefined)[]): QuantType | undefined {
  const [a, b] = codes.map((v) => v && elementOf(v));
  const [first, second] = [a, b].map((type) => type && uniformParams(type)?.scale);
  if (codes.length !== 2 || !a || !b || first === undefined || second === undefined) return undefined;
  const isLong = a.storage === 'i32' || b.storage === 'i32';
  if (op.definition === mul) {
    const squares = op.operand(0) === op.operand(1) && feedsRoot(op.result);
    const summed = feedsSum(op.result) && (isLong || !op.operands.some(floatConstantOf));
    if (!squares && !summed) return undefined;
    return affine('i32', Math.fround(first * second * (isLong ? 2 ** carriedShift : 1)));
  }
  const isSum = op.definition === add && feedsRoot(op.result) && a.storage === 'i32' && b.storage === 'i32';
  return isSum ? affine('i32', Math.fround(first + second)) : undefined;
}

/**
 * Whether an op reads codes of 32 bits, which exact products and what is carried have: sums and roots do, and products,
 * of one operand, that a sum reads.
 */
function readsLong(op: Op, isFirst: boolean): boolean {
  return sqrt.is(op) || add.is(op) || sub.is(op) || (mul.is(op) && isFirst && feedsSum(op.result));
}

/** Whether one sum of two values is all that reads a value. */
function feedsSum(value: Value): boolean {
  const [user, another] = [...value.uses];
  return user !== undefined && another === undefined && (add.is(user.op) || sub.is(user.op));
}

/** x of x + 0 and x − 0, which are x's own codes. */
function withoutZero(op: Op): Value | undefined {
  if (!add.is(op) && !sub.is(op)) return undefined;
  const [a, b] = [op.operand(0), op.operand(1)];
  const kept = splatOf(b) === 0 ? a : add.is(op) && splatOf(a) === 0 ? b : undefined;
  return kept?.type === op.result.type ? kept : undefined;
}

/** Whether an op computes floats, or reads computed ones. */
function isFloatOp(op: Op): boolean {
  if (floatConstantOf(op.results[0])) return false;
  return op.results.some(isFloat32) || op.operands.some((v) => isFloat32(v) && !floatConstantOf(v));
}

/** a / c == a·(1/c) for a constant c. */
function asProduct(rewriter: Rewriter, op: Op): Pick<Op, 'definition' | 'operands' | 'attributes' | 'source'> {
  const divisor = op.definition === div ? floatConstantOf(op.operands[1]) : undefined;
  if (!divisor) return op;
  const inverse = Float32Array.from(divisor.data as Float32Array, (x) => 1 / x);
  const factor = createFloats(rewriter, `${op.source}.factor`, divisor.shape, inverse);
  return { definition: mul, operands: [op.operands[0], factor], attributes: {}, source: op.source };
}

function noCodes(reader: Op): QcError {
  return new QcError({
    what: `an operand of ${reader.name} has no integer form`,
    where: reader.source,
    why: 'the scheme int8 computes everything between inputs and outputs in integers',
    help: 'compile with --scheme w8a8, in which such operations stay float',
  });
}
