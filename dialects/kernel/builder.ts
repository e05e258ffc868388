import {
  Block,
  type BodyBuilder,
  Func,
  type KernelType,
  type Module,
  Op,
  type RefType,
  ref,
  type ScalarType,
  scalar,
  type Type,
  type Value,
  vec,
} from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
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

/** Erases what was built on the way and is not used. */
function eraseUnused(block: Block): void {
  for (let op = block.last; op; ) {
    const { previous } = op;
    for (const region of op.regions) eraseUnused(region);
    const unused = op.results.length > 0 && op.results.every((result) => result.uses.size === 0);
    if (unused && op.definition.effect !== 'writes') {
      op.operands.forEach((_, i) => {
        op?.setOperand(i, undefined);
      });
      block.remove(op);
    }
    op = previous;
  }
}

/** Builds the body of a kernel, folding what is known: sums and products of indices above all. */
export class KernelBuilder implements BodyBuilder {
  readonly func: Func;
  #block: Block;
  readonly #constants = new Map<string, Value>();
  /** Values known in the blocks around the insertion point, innermost last: equal expressions are built once. */
  readonly #known: Map<string, Value>[] = [new Map()];
  readonly #numbers = new Map<Value, number>();
  #source: string;

  constructor(name: string, source: string) {
    this.func = new Func(name, 'kernel');
    this.#block = this.func.body;
    this.#source = source;
  }

  /** Adds a buffer argument. */
  buffer(name: string, element: ScalarType, space: RefType['space']): Value {
    return this.func.body.addArgument(ref(element, space), name);
  }

  /** Ends the kernel. */
  end(): Func {
    this.#emit(structure.returnOp, [], []);
    eraseUnused(this.func.body);
    return this.func;
  }

  /** Ends the kernel and puts it into a module. */
  finish(module: Module): Func {
    return module.addFunction(this.end());
  }

  #emit(definition: Op['definition'], operands: readonly Value[], types: readonly Type[], attributes = {}): Op {
    const op = new Op(definition, types, attributes, this.#source);
    operands.forEach((operand, i) => {
      op.setOperand(i, operand);
    });
    this.#block.insert(op);
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

  /** As #emit, for what always gives the same on the same operands: arithmetic, and loads of weights. */
  #once(definition: Op['definition'], operands: readonly Value[], type: Type, attributes = {}): Value {
    const key = `${definition.name} ${operands.map((v) => this.#number(v))} ${type.key} ${JSON.stringify(attributes)}`;
    for (const scope of this.#known) {
      const value = scope.get(key);
      if (value) return value;
    }
    const { result } = this.#emit(definition, operands, [type], attributes);
    this.#known.at(-1)?.set(key, result);
    return result;
  }

  #lanewise(name: LanewiseName, operands: readonly Value[], to: ScalarType, attributes = {}): Value {
    const first = operands[0] as Value;
    const primitive = lanewisePrimitives[name];
    const known = operands.map(constantOf);
    if (known.every((v) => v !== undefined)) {
      const folded = primitive.lane(known as number[], elementOf(first), to, attributes);
      return this.constant(folded, to, first);
    }
    return this.#once(primitive.definition, operands, lanesType(lanesOf(first), to), attributes);
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
    while (op && structure.constant.is(op)) op = op.next;
    return op;
  }

  /** An index (i32) constant. */
  index(value: number): Value {
    return this.constant(value, 'index');
  }

  #same(a: Value, b: Value): void {
    invariant(a.type === b.type, `operands of a kernel op differ: ${a.type.key} and ${b.type.key}`);
  }

  #binary(name: LanewiseName, a: Value, b: Value): Value {
    this.#same(a, b);
    return this.#lanewise(name, [a, b], elementOf(a));
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

  /** index · constant + offset. */
  scaled(index: Value, by: number, offset = 0): Value {
    return this.add(this.mul(index, this.index(by)), this.index(offset));
  }

  div(a: Value, b: Value): Value {
    return this.#binary('div', a, b);
  }
  min(a: Value, b: Value): Value {
    return this.#binary('min', a, b);
  }
  max(a: Value, b: Value): Value {
    return this.#binary('max', a, b);
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
    return this.#lanewise('neg', [a], elementOf(a));
  }
  abs(a: Value): Value {
    return this.#lanewise('abs', [a], elementOf(a));
  }
  floor(a: Value): Value {
    return this.#lanewise('floor', [a], elementOf(a));
  }
  ceil(a: Value): Value {
    return this.#lanewise('ceil', [a], elementOf(a));
  }
  roundEven(a: Value): Value {
    return this.#lanewise('round_even', [a], elementOf(a));
  }
  sqrt(a: Value): Value {
    return this.#lanewise('sqrt', [a], elementOf(a));
  }
  shl(a: Value, count: number): Value {
    return count === 0 ? a : this.#lanewise('shl', [a], elementOf(a), { count });
  }
  shr(a: Value, count: number): Value {
    return count === 0 ? a : this.#lanewise('shr', [a], elementOf(a), { count });
  }

  cmp(predicate: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge', a: Value, b: Value): Value {
    this.#same(a, b);
    return this.#lanewise('cmp', [a, b], 'i1', { predicate });
  }

  select(condition: Value, a: Value, b: Value): Value {
    this.#same(a, b);
    const op = lanewisePrimitives.select.definition;
    return this.#emit(op, [condition, a, b], [a.type]).result;
  }

  convert(a: Value, to: ScalarType): Value {
    return elementOf(a) === to ? a : this.#lanewise('convert', [a], to);
  }

  narrowSaturate(a: Value, to: ScalarType): Value {
    return elementOf(a) === to ? a : this.#lanewise('narrow_saturate', [a], to);
  }

  bitcast(a: Value, to: ScalarType): Value {
    return elementOf(a) === to ? a : this.#lanewise('bitcast', [a], to);
  }

  mulShift(a: Value, m: Value, shift: number): Value {
    this.#same(a, m);
    return this.#lanewise('mul_shift', [a, m], 'i32', { shift });
  }

  mulAdd(a: Value, b: Value, c: Value): Value {
    return this.#lanewise('mul_add', [a, b, c], elementOf(a));
  }

  table(base: Value, index: Value): Value {
    return this.#emit(memory.table, [base, index], [lanesType(lanesOf(index), elementOf(base))]).result;
  }

  /** `lanes` elements of a buffer from element `index` on. */
  load(buffer: Value, index: Value, lanes = 1): Value {
    const type = lanesType(lanes, elementOf(buffer));
    if ((buffer.type as RefType).space === 'weights') return this.#once(memory.load, [buffer, index], type);
    return this.#emit(memory.load, [buffer, index], [type]).result;
  }

  /** `group` elements, repeated over `lanes` lanes. */
  loadSplat(buffer: Value, index: Value, lanes: number, group = 1): Value {
    if (lanes === 1) return this.load(buffer, index);
    return this.#emit(memory.loadSplat, [buffer, index], [vec(lanes, elementOf(buffer))], { group }).result;
  }

  /** Writes the first `lanes` lanes of `value`, or all. */
  store(value: Value, buffer: Value, index: Value, lanes = 0): void {
    invariant(elementOf(value) === elementOf(buffer), `a ${elementOf(value)} stored to a ${elementOf(buffer)} buffer`);
    this.#emit(memory.store, [value, buffer, index], [], lanes === lanesOf(value) ? {} : { lanes });
  }

  setting(name: 'dot_sign_mask'): Value {
    return this.#once(memory.setting, [], scalar('i32'), { name });
  }

  splat(a: Value, lanes: number): Value {
    const known = constantOf(a);
    if (known !== undefined) return this.repeated(known, elementOf(a), lanes);
    return lanes === 1 ? a : this.#once(vector.splat, [a], vec(lanes, elementOf(a)));
  }

  concat(parts: readonly Value[]): Value {
    const [first] = parts as [Value];
    if (parts.length === 1) return first;
    return this.#emit(vector.concat, parts, [vec(lanesOf(first) * parts.length, elementOf(first))]).result;
  }

  slice(a: Value, offset: number, lanes: number): Value {
    if (lanes === lanesOf(a)) return a;
    return this.#emit(vector.slice, [a], [lanesType(lanes, elementOf(a))], { offset }).result;
  }

  interleave(a: Value, b: Value): Value {
    this.#same(a, b);
    return this.#emit(vector.interleave, [a, b], [vec(lanesOf(a) * 2, elementOf(a))]).result;
  }

  addPairs(a: Value, b: Value): Value {
    this.#same(a, b);
    return this.#emit(vector.addPairs, [a, b], [a.type]).result;
  }

  reduce(op: 'add' | 'min' | 'max', a: Value): Value {
    return lanesOf(a) === 1 ? a : this.#emit(vector.reduce, [a], [scalar(elementOf(a))], { op }).result;
  }

  dot(intrinsic: string, accumulator: Value, weights: Value, activations: Value): Value {
    return this.#emit(vector.dot, [accumulator, weights, activations], [accumulator.type], { intrinsic }).result;
  }

  /**
   * for (i = lower; i < upper; i += step). `body` gives the next carried values. A loop of exactly one turn is
   * built without a loop.
   */
  for(
    lower: number | Value,
    upper: number | Value,
    step: number,
    carried: readonly Value[],
    body: (i: Value, carried: readonly Value[]) => readonly Value[],
  ): readonly Value[] {
    const from = typeof lower === 'number' ? this.index(lower) : lower;
    const to = typeof upper === 'number' ? this.index(upper) : upper;
    const [a, b] = [constantOf(from), constantOf(to)];
    if (a !== undefined && b !== undefined) {
      if (b <= a) return carried;
      if (b <= a + step) return body(from, carried);
    }
    const op = this.#emit(
      structure.forLoop,
      [from, to, ...carried],
      carried.map((v) => v.type),
      { step },
    );
    const region = new Block(op);
    op.regions.push(region);
    const outer = this.#block;
    const i = region.addArgument(scalar('index'), 'i');
    const inner = carried.map((v) => region.addArgument(v.type));
    this.#block = region;
    this.#known.push(new Map());
    const next = body(i, inner);
    this.#emit(structure.yieldOp, next, []);
    this.#known.pop();
    this.#block = outer;
    return op.results;
  }

  /** A loop that carries nothing. */
  loop(lower: number | Value, upper: number | Value, step: number, body: (i: Value) => void): void {
    this.for(lower, upper, step, [], (i) => {
      body(i);
      return [];
    });
  }
}
