import {
  type Block,
  type BodyBuilder,
  type Dim,
  type DimFunction,
  Func,
  foldDim,
  type KernelType,
  Op,
  type ScalarType,
  scalar,
  type Type,
  type Value,
  vec,
} from '../../src/ir/index.ts';
import { InternalError, invariant } from '../../src/support/diagnostics.ts';
import * as memory from './memory.ts';
import { type LanewiseName, lanewisePrimitives } from './primitive.ts';
import * as structure from './structure.ts';
import * as vector from './vector.ts';

/** Number of lanes of a scalar (1) or a vector. */
export function lanesOf(value: Value): number {
  return value.type.kind === 'vec' ? value.type.lanes : 1;
}

/** Element type of a scalar, vector or buffer. */
export function elementOf(value: Value): ScalarType {
  return (value.type as KernelType).element;
}

/** A scalar of one lane, or a vector. */
export function lanesType(lanes: number, element: ScalarType): KernelType {
  return lanes === 1 ? scalar(element) : vec(lanes, element);
}

/** The number that a constant value holds, or undefined. */
export function constantOf(value: Value | undefined): number | undefined {
  return structure.constant.is(value?.op) ? structure.constant.attributesOf(value.op).value : undefined;
}

/** An index as x + constant; x is undefined for a constant alone. */
function splitIndex(value: Value): [base: Value | undefined, offset: number] {
  if (elementOf(value) !== 'index') return [value, 0];
  const known = constantOf(value);
  if (known !== undefined) return [undefined, known];
  const { op } = value;
  const offset = op?.definition === lanewisePrimitives.add.definition ? constantOf(op.operands[1]) : undefined;
  return offset === undefined ? [value, 0] : [op?.operand(0), offset];
}

/** Builds the arithmetic of kernels, folding what is known: sums and products of indices above all. */
export class ArithmeticBuilder implements BodyBuilder {
  readonly func: Func;
  /** Where the next op goes. */
  protected block: Block;
  readonly #constants = new Map<string, Value>();
  /** Values known in the blocks around the insertion point, innermost last: equal expressions are built once. */
  protected readonly known: Map<string, Value>[] = [new Map()];
  readonly #numbers = new Map<Value, number>();
  #source: string;
  /** Sizes that are computed at the beginning, and the last op that does. */
  readonly #sizes = new Map<Dim, Value>();
  readonly #knownSizes = new Map<string, Value>();
  #lastSize: Op | undefined;
  /** What the next op goes before; undefined at the end of the block. */
  #anchor: Op | undefined;
  readonly #symbols: ReadonlyMap<string, Value>;

  /** `symbols`: the symbols of dimensions that the kernel is told, its first arguments. */
  constructor(name: string, source: string, symbols: readonly string[] = []) {
    this.func = new Func(name, 'kernel');
    this.block = this.func.body;
    this.#source = source;
    const { body } = this.func;
    this.#symbols = new Map(symbols.map((symbol) => [symbol, body.addArgument(scalar('index'), symbol)]));
  }

  protected emit(
    definition: Op['definition'],
    operands: readonly Value[],
    types: readonly Type[],
    attributes = {},
  ): Op {
    const op = new Op(definition, types, attributes, this.#source);
    operands.forEach((operand, i) => {
      op.setOperand(i, operand);
    });
    this.block.insert(op, this.#anchor);
    return op;
  }

  #number(value: Value): number {
    let number = this.#numbers.get(value);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(value, number);
    }
    return number;
  }

  /** As emit, for what always gives the same on the same operands: arithmetic, and loads of weights. */
  protected once(definition: Op['definition'], operands: readonly Value[], type: Type, attributes = {}): Value {
    const key = `${definition.name} ${operands.map((v) => this.#number(v))} ${type.key} ${JSON.stringify(attributes)}`;
    for (const scope of this.known) {
      const value = scope.get(key);
      if (value) return value;
    }
    const { result } = this.emit(definition, operands, [type], attributes);
    this.known.at(-1)?.set(key, result);
    return result;
  }

  protected lanewise(name: LanewiseName, operands: readonly Value[], to: ScalarType, attributes = {}): Value {
    const first = operands[0] as Value;
    const primitive = lanewisePrimitives[name];
    const known = operands.map(constantOf);
    if (known.every((v) => v !== undefined)) {
      const folded = primitive.lane(known as number[], elementOf(first), to, attributes);
      return this.constant(folded, to, first);
    }
    return this.once(primitive.definition, operands, lanesType(lanesOf(first), to), attributes);
  }

  constant(value: number, element: ScalarType, like?: Value): Value {
    return this.repeated(value, element, like ? lanesOf(like) : 1);
  }

  /** The same number in `lanes` lanes. */
  repeated(value: number, element: ScalarType, lanes: number): Value {
    const key = `${Object.is(value, -0) ? '-0' : value} ${element} ${lanes}`;
    const known = this.#constants.get(key);
    if (known) return known;
    const op = new Op(structure.constant, [lanesType(lanes, element)], { value }, '');
    this.func.body.insert(op, this.#firstNonConstant());
    this.#constants.set(key, op.result);
    return op.result;
  }

  #firstNonConstant(): Op | undefined {
    let op = this.func.body.first;
    while (op && (structure.constant.is(op) || structure.grid.is(op))) op = op.next;
    return op;
  }

  size(value: Dim, element: ScalarType, like?: Value): Value {
    const size = this.convert(this.index(value), element);
    const known = constantOf(size);
    if (known !== undefined) return this.constant(known, element, like);
    return like && lanesOf(like) > 1 ? this.once(vector.splat, [size], vec(lanesOf(like), element)) : size;
  }

  /** An index (i32): a constant, or a size that is computed once, at the beginning of the kernel. */
  index(value: Dim): Value {
    if (typeof value === 'number') return this.constant(value, 'index');
    const known = this.#sizes.get(value);
    if (known) return known;
    const [block, anchor, scopes] = [this.block, this.#anchor, this.known.splice(0)];
    this.block = this.func.body;
    this.#anchor = this.#lastSize ? this.#lastSize.next : this.#firstNonConstant();
    this.known.push(this.#knownSizes);
    const size = foldDim<Value>(value, {
      number: (n) => this.constant(n, 'index'),
      symbol: (name) => this.#symbol(name),
      add: (a, b) => this.add(a, b),
      mul: (a, b) => this.mul(a, b),
      apply: (name, a, b) => this.#dimFunction(name, a, b),
    });
    this.#lastSize = this.#anchor ? this.#anchor.previous : this.func.body.last;
    if (structure.constant.is(this.#lastSize)) this.#lastSize = undefined;
    this.known.splice(0, 1, ...scopes);
    [this.block, this.#anchor] = [block, anchor];
    this.#sizes.set(value, size);
    return size;
  }

  #symbol(name: string): Value {
    const symbol = this.#symbols.get(name);
    invariant(symbol, `the kernel is not told the dimension ${name}`);
    return symbol;
  }

  /** A function of sizes, which are not negative. */
  #dimFunction(name: DimFunction, a: Value, b: Value): Value {
    if (name === 'min') return this.min(a, b);
    if (name === 'max') return this.max(a, b);
    const divisor = constantOf(b);
    if (divisor === undefined) throw new InternalError('a size divided by a size in a kernel');
    return name === 'mod' ? this.remainder(a, divisor) : this.quotient(a, divisor);
  }

  protected same(a: Value, b: Value): void {
    invariant(a.type === b.type, `operands of a kernel op differ: ${a.type.key} and ${b.type.key}`);
  }

  #binary(name: LanewiseName, a: Value, b: Value): Value {
    this.same(a, b);
    return this.lanewise(name, [a, b], elementOf(a));
  }

  add(a: Value, b: Value): Value {
    if (elementOf(a) === 'index') return this.#addIndices(a, b);
    if (elementOf(a) !== 'f32') {
      if (constantOf(a) === 0) return b;
      if (constantOf(b) === 0) return a;
    }
    return this.#binary('add', a, b);
  }

  sub(a: Value, b: Value): Value {
    return constantOf(b) === 0 && elementOf(a) !== 'f32' ? a : this.#binary('sub', a, b);
  }

  mul(a: Value, b: Value): Value {
    if (constantOf(a) === 1) return b;
    if (constantOf(b) === 1) return a;
    if (elementOf(a) !== 'f32' && (constantOf(a) === 0 || constantOf(b) === 0))
      return this.constant(0, elementOf(a), a);
    const by = constantOf(b);
    const [base, offset] = splitIndex(a);
    // (x + c)·by == x·by + c·by
    if (base && offset !== 0 && by !== undefined) return this.add(this.mul(base, b), this.index(offset * by));
    return this.#binary('mul', a, b);
  }

  /** Sums of indices keep their constant outermost, where targets fold it into the address of a load or store. */
  #addIndices(a: Value, b: Value): Value {
    const [x, c] = splitIndex(a);
    const [y, d] = splitIndex(b);
    const base = x && y ? this.#binary('add', x, y) : (x ?? y);
    if (!base) return this.index(c + d);
    return c + d === 0 ? base : this.#binary('add', base, this.index(c + d));
  }

  /** index · by + offset. */
  scaled(index: Value, by: Dim, offset: Dim = 0): Value {
    return this.add(this.mul(index, this.index(by)), this.index(offset));
  }

  div(a: Value, b: Value): Value {
    return this.#binary('div', a, b);
  }
  min(a: Value, b: Value): Value {
    return a === b ? a : this.#binary('min', a, b);
  }
  max(a: Value, b: Value): Value {
    return a === b ? a : this.#binary('max', a, b);
  }
  and(a: Value, b: Value): Value {
    return this.#binary('and', a, b);
  }
  or(a: Value, b: Value): Value {
    return this.#binary('or', a, b);
  }
  xor(a: Value, b: Value): Value {
    return this.#binary('xor', a, b);
  }
  neg(a: Value): Value {
    return this.lanewise('neg', [a], elementOf(a));
  }
  abs(a: Value): Value {
    return this.lanewise('abs', [a], elementOf(a));
  }
  floor(a: Value): Value {
    return this.lanewise('floor', [a], elementOf(a));
  }
  ceil(a: Value): Value {
    return this.lanewise('ceil', [a], elementOf(a));
  }
  roundEven(a: Value): Value {
    return this.lanewise('round_even', [a], elementOf(a));
  }
  sqrt(a: Value): Value {
    return this.lanewise('sqrt', [a], elementOf(a));
  }
  shl(a: Value, count: number): Value {
    return count === 0 ? a : this.lanewise('shl', [a], elementOf(a), { count });
  }
  shr(a: Value, count: number): Value {
    return count === 0 ? a : this.lanewise('shr', [a], elementOf(a), { count });
  }

  cmp(predicate: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge', a: Value, b: Value): Value {
    this.same(a, b);
    return this.lanewise('cmp', [a, b], 'i1', { predicate });
  }

  select(condition: Value, a: Value, b: Value): Value {
    this.same(a, b);
    if (a === b) return a;
    const op = lanewisePrimitives.select.definition;
    return this.emit(op, [condition, a, b], [a.type]).result;
  }

  convert(a: Value, to: ScalarType): Value {
    return elementOf(a) === to ? a : this.lanewise('convert', [a], to);
  }

  narrowSaturate(a: Value, to: ScalarType): Value {
    return elementOf(a) === to ? a : this.lanewise('narrow_saturate', [a], to);
  }

  bitcast(a: Value, to: ScalarType): Value {
    return elementOf(a) === to ? a : this.lanewise('bitcast', [a], to);
  }

  decodeF16(a: Value): Value {
    return this.lanewise('decode_f16', [a], 'f32');
  }

  encodeF16(a: Value): Value {
    return this.lanewise('encode_f16', [a], 'u16');
  }

  mulShift(a: Value, m: Value, shift: number): Value {
    this.same(a, m);
    return this.lanewise('mul_shift', [a, m], 'i32', { shift });
  }

  mulAdd(a: Value, b: Value, c: Value): Value {
    return this.lanewise('mul_add', [a, b, c], elementOf(a));
  }

  setting(name: 'dot_sign_mask'): Value {
    return this.once(memory.setting, [], scalar('i32'), { name });
  }

  turned(a: Value): Value {
    const mask = this.convert(this.setting('dot_sign_mask'), elementOf(a));
    return this.xor(a, lanesOf(a) === 1 ? mask : this.once(vector.splat, [mask], vec(lanesOf(a), elementOf(a))));
  }

  table(base: Value, index: Value): Value {
    return this.emit(memory.table, [base, index], [lanesType(lanesOf(index), elementOf(base))]).result;
  }

  /** ⌊a / divisor⌋ of an index that is not negative. */
  quotient(a: Value, divisor: number): Value {
    return divisor === 1 ? a : this.lanewise('quotient', [a], 'index', { divisor });
  }

  /** What is left of an index that is not negative. */
  remainder(a: Value, divisor: number): Value {
    return divisor === 1 ? this.index(0) : this.lanewise('remainder', [a], 'index', { divisor });
  }

  /** a << b and a >> b of u32. */
  shlBy(a: Value, b: Value): Value {
    return this.lanewise('shl_by', [a, b], 'u32');
  }
  shrBy(a: Value, b: Value): Value {
    return this.lanewise('shr_by', [a, b], 'u32');
  }
}
