import {
  Block,
  bytesOf,
  type Dim,
  type Func,
  type KernelType,
  knownSize,
  type Module,
  Op,
  type RefType,
  ref,
  type ScalarType,
  scalar,
  type Type,
  Value,
  vec,
} from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { ArithmeticBuilder, constantOf, elementOf, lanesOf, lanesType } from './arithmeticBuilder.ts';
import { groupSize, Invocations } from './invocations.ts';
import * as memory from './memory.ts';
import { mma } from './mma.ts';
import * as structure from './structure.ts';
import * as vector from './vector.ts';

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

/** Builds the body of a kernel: memory, vectors, loops and invocations around arithmetic. */
export class KernelBuilder extends ArithmeticBuilder {
  readonly #invocations: Invocations | undefined;

  /** `family`: whether `parallel` makes loops, or leaves each turn to an invocation of its own. */
  constructor(name: string, source: string, family: 'simd' | 'simt' = 'simd', symbols: readonly string[] = []) {
    super(name, source, symbols);
    this.#invocations = family === 'simt' ? new Invocations() : undefined;
  }

  /** Adds a buffer argument. */
  buffer(name: string, element: ScalarType, space: RefType['space']): Value {
    return this.func.body.addArgument(ref(element, space), name);
  }

  /** Ends the kernel. */
  end(): Func {
    this.emit(structure.returnOp, [], []);
    this.#invocations?.finish();
    eraseUnused(this.func.body);
    return this.func;
  }

  /** Ends the kernel and puts it into a module. */
  finish(module: Module): Func {
    return module.addFunction(this.end());
  }

  /** `lanes` elements of a buffer from element `index` on. */
  load(buffer: Value, index: Value, lanes = 1): Value {
    const type = lanesType(lanes, elementOf(buffer));
    if ((buffer.type as RefType).space === 'weights') return this.once(memory.load, [buffer, index], type);
    return this.emit(memory.load, [buffer, index], [type]).result;
  }

  /** `group` elements, repeated over `lanes` lanes. */
  loadSplat(buffer: Value, index: Value, lanes: number, group = 1): Value {
    if (lanes === 1) return this.load(buffer, index);
    return this.emit(memory.loadSplat, [buffer, index], [vec(lanes, elementOf(buffer))], { group }).result;
  }

  /** Writes the first `lanes` lanes of `value`, or all. */
  store(value: Value, buffer: Value, index: Value, lanes = 0): void {
    invariant(elementOf(value) === elementOf(buffer), `a ${elementOf(value)} stored to a ${elementOf(buffer)} buffer`);
    this.emit(memory.store, [value, buffer, index], [], lanes === lanesOf(value) ? {} : { lanes });
  }

  splat(a: Value, lanes: number): Value {
    const known = constantOf(a);
    if (known !== undefined) return this.repeated(known, elementOf(a), lanes);
    return lanes === 1 ? a : this.once(vector.splat, [a], vec(lanes, elementOf(a)));
  }

  concat(parts: readonly Value[]): Value {
    const [first] = parts as [Value];
    if (parts.length === 1) return first;
    return this.emit(vector.concat, parts, [vec(lanesOf(first) * parts.length, elementOf(first))]).result;
  }

  slice(a: Value, offset: number, lanes: number): Value {
    if (lanes === lanesOf(a)) return a;
    return this.emit(vector.slice, [a], [lanesType(lanes, elementOf(a))], { offset }).result;
  }

  /** a0 b0 a1 b1 …, or groups of so many lanes by turns. */
  interleave(a: Value, b: Value, group = 1): Value {
    this.same(a, b);
    return this.emit(vector.interleave, [a, b], [vec(lanesOf(a) * 2, elementOf(a))], { group }).result;
  }

  /** Lanes of tables of 16 bytes, by the lanes of `index`. */
  swizzle(table: Value, index: Value): Value {
    return this.emit(vector.swizzle, [table, index], [table.type]).result;
  }

  addPairs(a: Value, b: Value): Value {
    this.same(a, b);
    return this.emit(vector.addPairs, [a, b], [a.type]).result;
  }

  reduce(op: 'add' | 'min' | 'max', a: Value): Value {
    return lanesOf(a) === 1 ? a : this.emit(vector.reduce, [a], [scalar(elementOf(a))], { op }).result;
  }

  dot(intrinsic: string, accumulator: Value, weights: Value, activations: Value): Value {
    return this.emit(vector.dot, [accumulator, weights, activations], [accumulator.type], { intrinsic }).result;
  }

  /** accumulator + A·B of tiles that 32 invocations hold together; `a` and `b` are what this one has. SIMT only. */
  mma(accumulator: Value, a: readonly Value[], b: readonly Value[]): Value {
    return this.emit(mma, [accumulator, ...a, ...b], [accumulator.type]).result;
  }

  /**
   * for (i = lower; i < upper; i += step). `body` gives the next carried values. A loop of exactly one turn is
   * built without a loop.
   */
  for(
    lower: Dim | Value,
    upper: Dim | Value,
    step: number,
    carried: readonly Value[],
    body: (i: Value, carried: readonly Value[]) => readonly Value[],
    independent = false,
  ): readonly Value[] {
    const from = lower instanceof Value ? lower : this.index(lower);
    const to = upper instanceof Value ? upper : this.index(upper);
    const [a, b] = [constantOf(from), constantOf(to)];
    if (a !== undefined && b !== undefined) {
      if (b <= a) return carried;
      if (b <= a + step) return body(from, carried);
    }
    const op = this.emit(
      structure.forLoop,
      [from, to, ...carried],
      carried.map((v) => v.type),
      independent ? { step, independent } : { step },
    );
    this.#inside(op, (region) => {
      const i = region.addArgument(scalar('index'), 'i');
      const inner = carried.map((v) => region.addArgument(v.type));
      this.emit(structure.yieldOp, body(i, inner), []);
    });
    return op.results;
  }

  /** Does `body` only where the condition holds. */
  if(condition: Value, body: () => void): Op {
    const op = this.emit(structure.ifOp, [condition], []);
    this.#inside(op, () => {
      body();
      this.emit(structure.yieldOp, [], []);
    });
    return op;
  }

  /** Builds a region of `op`; what it computes is not known outside of it. */
  #inside(op: Op, body: (region: Block) => void): void {
    const region = new Block(op);
    op.regions.push(region);
    const outer = this.block;
    this.block = region;
    this.known.push(new Map());
    body(region);
    this.known.pop();
    this.block = outer;
  }

  /**
   * Visits every index of `extents`, in any order or all at once: `body` must not depend on what it did elsewhere. In
   * the SIMD family these are nested loops, the last axis innermost. In the SIMT family each index has an invocation
   * of its own, neighbours along the last axis next to one another; it is not called within itself.
   */
  parallel(extents: readonly Dim[], body: (indices: readonly Value[]) => void): void {
    if (!this.#invocations) {
      const visit = (indices: readonly Value[]): void => {
        const extent = extents[indices.length];
        if (extent === undefined) body(indices);
        else this.each(0, extent, 1, (i) => visit([...indices, i]));
      };
      visit([]);
      return;
    }
    const sizes = extents.map(knownSize);
    const count = sizes.reduce((n, d) => n * d, 1);
    if (count === 0) return;
    invariant(this.block === this.func.body, 'invocations do not start invocations');
    const number = this.invocation();
    const guard = this.if(this.cmp('lt', number, this.index(count)), () => {
      let rest = number;
      const indices = sizes.toReversed().map((extent, i) => {
        const index = i === sizes.length - 1 ? rest : this.remainder(rest, extent);
        rest = this.quotient(rest, extent);
        return index;
      });
      body(indices.reverse());
    });
    this.#invocations.add(guard, count);
  }

  /** Memory of `count` elements that the invocations of a group share. SIMT only. */
  shared(element: ScalarType, count: number): Value {
    return this.emit(structure.shared, [], [ref(element, 'workgroup')], { count }).result;
  }

  /** All invocations of a group arrive here before one goes on. SIMT only. */
  barrier(): void {
    this.emit(structure.barrier, [], []);
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

  /** The lanes of 8 or 16 bits that a u32 holds. */
  splitWord(word: Value, element: ScalarType): Value {
    return this.once(vector.splitWord, [word], vec(4 / bytesOf(element), element));
  }

  /** Lanes of 8 or 16 bits as a u32. */
  joinWord(lanes: Value): Value {
    if (vector.splitWord.is(lanes.op)) return lanes.op.operand(0);
    const known = constantOf(lanes);
    if (known === undefined) return this.once(vector.joinWord, [lanes], scalar('u32'));
    const bits = 32 / lanesOf(lanes);
    const code = known & (2 ** bits - 1);
    const word = Array.from({ length: lanesOf(lanes) }, (_, i) => code << (i * bits)).reduce((a, b) => a | b);
    return this.constant(word >>> 0, 'u32');
  }

  /** An op as it is, on other operands. Those with regions are built anew. */
  copy(op: Op, operands: readonly Value[]): readonly Value[] {
    invariant(op.regions.length === 0, `${op.name} has regions`);
    if (structure.grid.is(op)) return this.#emitFirst(op);
    if (structure.constant.is(op)) {
      const { type } = op.result as { readonly type: KernelType };
      return [this.repeated(structure.constant.attributesOf(op).value, type.element, lanesOf(op.result))];
    }
    if (vector.joinWord.is(op)) return [this.joinWord(operands[0] as Value)];
    const types = op.results.map(({ type }) => type);
    if (types.length !== 1 || op.definition.effect !== 'pure')
      return this.emit(op.definition, operands, types, op.attributes).results;
    return [this.once(op.definition, operands, types[0] as Type, op.attributes)];
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
  loop(lower: Dim | Value, upper: Dim | Value, step: number, body: (i: Value) => void, independent = false): void {
    const visit = (i: Value) => {
      body(i);
      return [];
    };
    this.for(lower, upper, step, [], visit, independent);
  }

  /**
   * A loop whose turns, and those of the kernel's other such loops that are not inside it, may run in any order or at
   * once: threads share it. Turns may write to one place where they write the same, and have not read it before.
   */
  each(lower: Dim | Value, upper: Dim | Value, step: number, body: (i: Value) => void): void {
    this.loop(lower, upper, step, body, true);
  }
}
