import {
  Block,
  type BodyBuilder,
  bytesOf,
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
import { groupSize, Invocations } from './invocations.ts';
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

  readonly #invocations: Invocations | undefined;

  /** `family`: whether `parallel` makes loops, or leaves each turn to an invocation of its own. */
  constructor(name: string, source: string, family: 'simd' | 'simt' = 'simd') {
    this.func = new Func(name, 'kernel');
    this.#block = this.func.body;
    this.#source = source;
    this.#invocations = family === 'simt' ? new Invocations() : undefined;
  }

  /** Adds a buffer argument. */
  buffer(name: string, element: ScalarType, space: RefType['space']): Value {
    return this.func.body.addArgument(ref(element, space), name);
  }

  /** Ends the kernel. */
  end(): Func {
    this.#emit(structure.returnOp, [], []);
    this.#invocations?.finish();
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
    while (op && (structure.constant.is(op) || structure.grid.is(op))) op = op.next;
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
    this.#inside(op, (region) => {
      const i = region.addArgument(scalar('index'), 'i');
      const inner = carried.map((v) => region.addArgument(v.type));
      this.#emit(structure.yieldOp, body(i, inner), []);
    });
    return op.results;
  }

  /** Does `body` only where the condition holds. */
  if(condition: Value, body: () => void): Op {
    const op = this.#emit(structure.ifOp, [condition], []);
    this.#inside(op, () => {
      body();
      this.#emit(structure.yieldOp, [], []);
    });
    return op;
  }

  /** Builds a region of `op`; what it computes is not known outside of it. */
  #inside(op: Op, body: (region: Block) => void): void {
    const region = new Block(op);
    op.regions.push(region);
    const outer = this.#block;
    this.#block = region;
    this.#known.push(new Map());
    body(region);
    this.#known.pop();
    this.#block = outer;
  }

  /**
   * Visits every index of `extents`, in any order or all at once: `body` must not depend on what it did elsewhere. In
   * the SIMD family these are nested loops, the last axis innermost. In the SIMT family each index has an invocation
   * of its own, neighbours along the last axis next to one another; it is not called within itself.
   */
  parallel(extents: readonly number[], body: (indices: readonly Value[]) => void): void {
    if (!this.#invocations) {
      const visit = (indices: readonly Value[]): void => {
        const extent = extents[indices.length];
        if (extent === undefined) body(indices);
        else this.loop(0, extent, 1, (i) => visit([...indices, i]));
      };
      visit([]);
      return;
    }
    const count = extents.reduce((n, d) => n * d, 1);
    if (count === 0) return;
    invariant(this.#block === this.func.body, 'invocations do not start invocations');
    const number = this.invocation();
    const guard = this.if(this.cmp('lt', number, this.index(count)), () => {
      let rest = number;
      const indices = extents.toReversed().map((extent, i) => {
        const index = i === extents.length - 1 ? rest : this.remainder(rest, extent);
        rest = this.quotient(rest, extent);
        return index;
      });
      body(indices.reverse());
    });
    this.#invocations.add(guard, count);
  }

  /** The number of the invocation that runs. SIMT only. */
  invocation(): Value {
    const { workgroup, local } = this.grid();
    return this.add(this.scaled(workgroup, groupSize), local);
  }

  /** The numbers of the group that runs, and of the invocation within it. SIMT only. */
  grid(): { workgroup: Value; local: Value } {
    invariant(this.#invocations, 'there are no invocations on this target');
    const { body } = this.func;
    if (!this.#invocations.grid) {
      const op = new Op(structure.grid, [scalar('index'), scalar('index')], { workgroups: 1, size: 1 }, '');
      body.insert(op, body.first);
      this.#invocations.grid = op;
    }
    const [workgroup, local] = this.#invocations.grid.results as [Value, Value];
    return { workgroup, local };
  }

  /** ⌊a / divisor⌋ of an index that is not negative. */
  quotient(a: Value, divisor: number): Value {
    return divisor === 1 ? a : this.#lanewise('quotient', [a], 'index', { divisor });
  }

  /** What is left of an index that is not negative. */
  remainder(a: Value, divisor: number): Value {
    return divisor === 1 ? this.index(0) : this.#lanewise('remainder', [a], 'index', { divisor });
  }

  /** a << b and a >> b of u32. */
  shlBy(a: Value, b: Value): Value {
    return this.#lanewise('shl_by', [a, b], 'u32');
  }
  shrBy(a: Value, b: Value): Value {
    return this.#lanewise('shr_by', [a, b], 'u32');
  }

  /** The lanes of 8 or 16 bits that a u32 holds. */
  splitWord(word: Value, element: ScalarType): Value {
    return this.#once(vector.splitWord, [word], vec(4 / bytesOf(element), element));
  }

  /** Lanes of 8 or 16 bits as a u32. */
  joinWord(lanes: Value): Value {
    return vector.splitWord.is(lanes.op) ? lanes.op.operand(0) : this.#once(vector.joinWord, [lanes], scalar('u32'));
  }

  /** An op as it is, on other operands. Those with regions are built anew. */
  copy(op: Op, operands: readonly Value[]): readonly Value[] {
    invariant(op.regions.length === 0, `${op.name} has regions`);
    if (structure.grid.is(op)) return this.#emitFirst(op);
    if (structure.constant.is(op)) {
      const { type } = op.result as { readonly type: KernelType };
      return [this.repeated(structure.constant.attributesOf(op).value, type.element, lanesOf(op.result))];
    }
    const types = op.results.map(({ type }) => type);
    if (types.length !== 1 || op.definition.effect !== 'pure')
      return this.#emit(op.definition, operands, types, op.attributes).results;
    return [this.#once(op.definition, operands, types[0] as Type, op.attributes)];
  }

  #emitFirst({ definition, results, attributes, source }: Op): readonly Value[] {
    const op = new Op(
      definition,
      results.map(({ type }) => type),
      attributes,
      source,
    );
    this.func.body.insert(op, this.func.body.first);
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
