import { type LanewiseName, lanewisePrimitives, mma } from '../../dialects/kernel/index.ts';
import * as memory from '../../dialects/kernel/memory.ts';
import * as structure from '../../dialects/kernel/structure.ts';
import * as vector from '../../dialects/kernel/vector.ts';
import type { Block, Op, OpDefinition, ScalarType, Value } from '../../src/ir/index.ts';
import { InternalError, invariant } from '../../src/support/diagnostics.ts';
import { intrinsics } from '../../src/target/index.ts';
import { BodyValues, baseName, elementOf } from './bodyValues.ts';
import { carriedVariable, type Expression, primary } from './expression.ts';
import { lanewisePrinters } from './lanewise.ts';
import type { Language } from './language.ts';
import type { Names } from './names.ts';
import { vectorPrinters, wordOf } from './vector.ts';
import type { VectorLanguage } from './vectorLanguage.ts';

const counters = ['i', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's'];

export const lanesOf = (value: Value): number => (value.type.kind === 'vec' ? value.type.lanes : 1);

const lanewiseNames = new Map<OpDefinition, LanewiseName>(
  (Object.keys(lanewisePrimitives) as LanewiseName[]).map((name) => [lanewisePrimitives[name].definition, name]),
);

/** What the numbers of the group, and of the invocation within it, are called. */
export const gridNames = ['workgroup', 'local'] as const;

/** A buffer of a group of invocations, to be declared around the body. */
export interface SharedMemory {
  readonly name: string;
  readonly element: ScalarType;
  readonly count: number;
}

/** What a body has to do with beyond its arguments. */
export interface BodySurroundings {
  /** Names memory that a group shares, around the body. Default: the names of the body. */
  readonly outer?: Names;
  /** Without them, a vector is one variable a lane. */
  readonly vectors?: VectorLanguage;
}

/**
 * Prints the body of a kernel as statements. A vector is one variable a lane. A value that is used once, in the
 * same block, is nested into its use; loads never move past a store or a loop.
 */
export class BodyPrinter {
  readonly language: Language;
  /** Memory that the invocations of a group share. */
  readonly shared: SharedMemory[] = [];
  readonly #values: BodyValues;
  readonly #outer: Names;
  readonly #counters: string[] = [];

  /** `buffers` names the arguments of the kernel. */
  constructor(
    language: Language,
    names: Names,
    buffers: ReadonlyMap<Value, string>,
    { outer = names, vectors }: BodySurroundings = {},
  ) {
    this.language = language;
    this.#values = new BodyValues(language, names, vectors);
    this.#outer = outer;
    for (const [value, name] of buffers) this.#values.set(value, [primary(name)]);
  }

  print(block: Block): void {
    for (const op of block.ops()) this.#op(op);
  }

  /** Each lane of an operand, for the one place where the text goes. */
  take(value: Value): readonly Expression[] {
    return this.#values.take(value);
  }

  /** Each lane of an operand as something that may be written several times. */
  takeNamed(value: Value): readonly Expression[] {
    return this.#values.takeNamed(value);
  }

  /** The statements, without variables that nothing reads. */
  get lines(): readonly string[] {
    return this.#values.lines;
  }

  #op(op: Op): void {
    const { definition } = op;
    if (definition === structure.forLoop) this.#loop(op);
    else if (definition === structure.ifOp) this.#if(op);
    else if (definition === memory.store) this.#store(op);
    else if (definition === structure.grid) this.#grid(op);
    else if (definition === structure.share) this.#share(op);
    else if (definition === structure.barrier) this.#barrier();
    else if (definition === structure.shared) this.#shared(op);
    else if (definition === mma) this.#mma(op);
    else if (!definition.terminator && op.result.uses.size > 0) {
      this.#values.set(op.result, this.#expressions(op));
      this.#values.settle(op, op.result);
    }
  }

  #expressions(op: Op): readonly Expression[] {
    const vectors = this.#values.vectors?.expressions(this, op);
    if (vectors) return vectors;
    const { definition } = op;
    const name = lanewiseNames.get(definition);
    if (name) return this.#lanewise(name, op);
    const printer = vectorPrinters.get(definition);
    if (printer) return printer(this, op);
    switch (definition) {
      case structure.constant: {
        const literal = this.language.literal(structure.constant.attributesOf(op).value, elementOf(op.result));
        return this.#lanesOf(op, () => literal);
      }
      case memory.load:
        return this.#load(op, (lane) => lane);
      case memory.loadSplat: {
        const { group } = memory.loadSplat.attributesOf(op);
        return this.#load(op, (lane) => lane % group);
      }
      case memory.table:
        return this.#table(op);
      case memory.setting:
        // Without vectors, dot products are signed.
        return [this.language.literal(this.#values.vectors?.signMask ?? 0, elementOf(op.result))];
      default:
        throw new InternalError(`${op.name} can't be printed in a kernel`);
    }
  }

  #lanesOf(op: Op, make: (lane: number) => Expression): Expression[] {
    return Array.from({ length: lanesOf(op.result) }, (_, lane) => make(lane));
  }

  #lanewise(name: LanewiseName, op: Op): readonly Expression[] {
    const [from, to] = [elementOf(op.operand(name === 'select' ? 1 : 0)), elementOf(op.result)];
    const operands = op.operands.map((_, i) => this.take(op.operand(i)));
    return this.#lanesOf(op, (lane) => {
      const args = operands.map((lanes) => lanes[lane] as Expression);
      return lanewisePrinters[name](this.language, { args, from, to, attributes: op.attributes });
    });
  }

  /** What the argument of the kernel is called. */
  bufferName(value: Value): string {
    return (this.take(value)[0] as Expression).text;
  }

  /** Four codes as the word that they are in memory. */
  #codeWord(op: Op): readonly Expression[] {
    const { language } = this;
    const [index] = this.take(op.operand(1)) as [Expression];
    const name = this.#values.names.numbered(baseName(op.result));
    const word = language.codeWords?.load(this.bufferName(op.operand(0)), index);
    this.#values.line(language.constant('u32', name, word?.text ?? ''), name);
    return [primary(name)];
  }

  #load(op: Op, place: (lane: number) => number): readonly Expression[] {
    if (this.language.codeWords && isCodeWord(op)) return this.#codeWord(op);
    const [buffer, element] = [this.bufferName(op.operand(0)), elementOf(op.result)];
    const index = (
      lanesOf(op.result) === 1 ? this.take(op.operand(1)) : this.takeNamed(op.operand(1))
    )[0] as Expression;
    return this.#lanesOf(op, (lane) => ({
      ...this.language.element(buffer, this.#offset(index, place(lane)), element),
      reads: true,
    }));
  }

  #table(op: Op): readonly Expression[] {
    const [buffer, element] = [this.bufferName(op.operand(0)), elementOf(op.result)];
    const indices = this.take(op.operand(1));
    const from = elementOf(op.operand(1));
    return indices.map((index) => ({
      ...this.language.element(buffer, from === 'u8' ? index : this.language.cast(index, from, 'u8'), element),
      reads: true,
    }));
  }

  #offset(index: Expression, by: number): Expression {
    if (by === 0) return index;
    if (index.literal !== undefined) return this.language.literal(index.literal + by, 'index');
    return lanewisePrinters.add(this.language, {
      args: [index, this.language.literal(by, 'index')],
      from: 'index',
      to: 'index',
      attributes: {},
    });
  }

  #store(op: Op): void {
    const value = op.operand(0);
    const lanes = memory.store.attributesOf(op).lanes || lanesOf(value);
    if (lanes > 1) this.takeNamed(value);
    const values = this.take(value);
    const index = (lanes === 1 ? this.take(op.operand(2)) : this.takeNamed(op.operand(2)))[0] as Expression;
    const buffer = this.bufferName(op.operand(1));
    this.#values.nameReads();
    if (this.#values.vectors && value.type.kind === 'vec') {
      for (const line of this.#values.vectors.store(values, { value, buffer, index, lanes })) this.#values.line(line);
      return;
    }
    for (let lane = 0; lane < lanes; lane++) {
      const at = this.#offset(index, lane);
      this.#values.line(this.language.store(buffer, at, values[lane] as Expression, elementOf(value)));
    }
  }

  /** The function around the body gives these their values. */
  #grid(op: Op): void {
    op.results.forEach((result, i) => {
      this.#values.set(result, [primary(gridNames[i] as string)]);
    });
  }

  /** The bounds of this thread's part, each under a name of its own. */
  #share(op: Op): void {
    invariant(this.language.share, 'one thread runs a kernel in this language');
    const [lower, upper] = [0, 1].map((i) => this.takeNamed(op.operand(i))[0]) as [Expression, Expression];
    const { step, overlaps } = structure.share.attributesOf(op as never);
    this.language.share(lower, upper, step, overlaps).forEach((bound, i) => {
      const result = op.results[i] as Value;
      this.#values.set(result, [bound]);
      this.#values.name(result);
    });
  }

  #barrier(): void {
    this.#values.nameReads();
    invariant(this.language.barrier, 'there are no barriers in this language');
    this.#values.line(this.language.barrier);
  }

  #shared(op: Op): void {
    const name = this.#outer.numbered('shared_tile');
    this.#values.set(op.result, [primary(name)]);
    this.shared.push({ name, element: elementOf(op.result), count: structure.shared.attributesOf(op).count });
  }

  /** The accumulators are changed where they are. */
  #mma(op: Op): void {
    invariant(this.language.mma, 'invocations do not multiply together in this language');
    const names = this.#variable(op.result, op.result, this.take(op.operand(0)));
    const words = op.operands.slice(1).map((_, i) => wordOf(this, op.operand(i + 1)));
    this.#values.line(this.language.mma(names, words));
    this.#values.set(
      op.result,
      names.map((name) => primary(name)),
    );
  }

  #if(op: Op): void {
    const condition = this.take(op.operand(0))[0] as Expression;
    this.#values.nameReads();
    this.#values.line(`if (${condition.text}) {`);
    this.#values.depth++;
    this.print(op.regions[0] as Block);
    this.#values.depth--;
    this.#values.line('}');
  }

  #loop(op: Op): void {
    const { language } = this;
    const region = op.regions[0] as Block;
    const carried = region.args.slice(1);
    const [lower, upper] = [0, 1].map((i) => {
      const bound = this.take(op.operand(i))[0] as Expression;
      return bound.reads ? (this.takeNamed(op.operand(i))[0] as Expression) : bound;
    }) as [Expression, Expression];
    const start = carried.map((_, i) => this.take(op.operand(i + 2)));
    this.#values.nameReads();
    const variables = carried.map((value, i) =>
      this.#variable(value, op.results[i] as Value, start[i] as Expression[]),
    );
    const level = this.#values.depth - 1;
    this.#counters[level] ??= this.#values.names.unique(counters[level] ?? 'i');
    const counter = this.#counters[level];
    this.#values.set(region.args[0] as Value, [primary(counter)]);
    this.#values.line(language.loop(counter, lower.text, upper.text, structure.forLoop.attributesOf(op).step));
    this.#values.depth++;
    this.print(region);
    this.#assign(region.last as Op, variables);
    this.#values.depth--;
    this.#values.line('}');
  }

  /** Declares the variable of a carried value, each lane by its start. */
  #variable(value: Value, result: Value, start: readonly Expression[]): readonly string[] {
    if (value.uses.size === 0 && result.uses.size === 0) return [];
    const base = this.#values.names.numbered(value.name ?? 'acc');
    const names = start.map((_, lane) => (start.length === 1 ? base : this.#values.names.unique(`${base}_${lane}`)));
    names.forEach((name, lane) => {
      const text = (start[lane] as Expression).text;
      const type = this.#values.vectorType(value);
      this.#values.line(type ? `${type} ${name} = ${text};` : this.language.variable(elementOf(value), name, text));
    });
    this.#values.set(value, names.map(carriedVariable));
    this.#values.set(
      result,
      names.map((name) => primary(name)),
    );
    return names;
  }

  /** The end of a turn: all variables change as if at once. */
  #assign(terminator: Op, variables: readonly (readonly string[])[]): void {
    const next = variables.map((names, i) => (names.length === 0 ? [] : this.take(terminator.operand(i))));
    const changed = new Set<string>();
    const assignments: string[] = [];
    variables.forEach((names, i) => {
      names.forEach((name, lane) => {
        const e = next[i]?.[lane] as Expression;
        const late = [...e.carried].some((other) => changed.has(other));
        const held = late ? this.#hold(e, terminator.operand(i)) : e;
        if (held.text !== name) assignments.push(`${name} = ${held.text};`);
        changed.add(name);
      });
    });
    for (const assignment of assignments) this.#values.line(assignment);
  }

  /** A value that would be read too late, under a name of its own. */
  #hold(e: Expression, value: Value): Expression {
    const name = this.#values.names.numbered('next');
    this.#values.line(this.#values.constant(value, name, e.text), name);
    return primary(name);
  }
}

const isCodeWord = (op: Op): boolean =>
  elementOf(op.result) === 'i8' &&
  lanesOf(op.result) === 4 &&
  [...op.result.users].every(
    (user) => vector.dot.is(user) && vector.dot.attributesOf(user).intrinsic === intrinsics.dot_i8x4.name,
  );
