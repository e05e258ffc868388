import { invariant } from '../support/diagnostics.ts';
import type { Attributes } from './attribute.ts';
import type { OpDefinition } from './define.ts';
import type { Type } from './types.ts';

/** One place where a value is used: operand number `index` of `op`. */
export interface Use {
  readonly op: Op;
  readonly index: number;
}

/** An SSA value: a result of an op, or an argument of a block. Mutated only through a Rewriter. */
export class Value {
  type: Type;
  /** A hint for printing; not unique. */
  name: string | undefined;
  readonly definer: Op | Block;
  readonly index: number;
  readonly uses: Set<Use> = new Set();

  constructor(type: Type, definer: Op | Block, index: number, name?: string) {
    this.type = type;
    this.definer = definer;
    this.index = index;
    this.name = name;
  }

  /** The op that makes this value; undefined for a block argument. */
  get op(): Op | undefined {
    return this.definer instanceof Op ? this.definer : undefined;
  }

  /** Ops that use this value, each once, in no particular order. */
  get users(): Set<Op> {
    return new Set([...this.uses].map((use) => use.op));
  }
}

/**
 * An operation. Operands that are optional and absent are undefined. `source` is the name of the model's node
 * that it came from, kept through every pass.
 */
export class Op {
  readonly definition: OpDefinition;
  readonly operands: (Value | undefined)[] = [];
  readonly #results: Value[];
  readonly regions: Block[] = [];
  attributes: Attributes;
  source: string;
  block: Block | undefined;
  previous: Op | undefined;
  next: Op | undefined;
  readonly #uses: (Use | undefined)[] = [];

  constructor(definition: OpDefinition, resultTypes: readonly Type[], attributes: Attributes, source: string) {
    this.definition = definition;
    this.attributes = attributes;
    this.source = source;
    this.#results = resultTypes.map((type, i) => new Value(type, this, i));
  }

  get results(): readonly Value[] {
    return this.#results;
  }

  /** One more result, of an op that declares them. For the Rewriter only. */
  addResult(type: Type): Value {
    const value = new Value(type, this, this.#results.length);
    this.#results.push(value);
    return value;
  }

  get name(): string {
    return this.definition.name;
  }

  /** Whether it reads nothing and is pure: it gives the same every time. */
  get isConstant(): boolean {
    return this.operands.length === 0 && this.definition.effect === 'pure';
  }

  /** The only result. Throws an InternalError when there are none or several. */
  get result(): Value {
    const [value] = this.results;
    invariant(value && this.results.length === 1, `${this.name} has ${this.results.length} results, not one`);
    return value;
  }

  /** Operand number `index`. Throws an InternalError when it is absent. */
  operand(index: number): Value {
    const value = this.operands[index];
    invariant(value, `${this.name} has no operand ${index}`);
    return value;
  }

  /** Points operand `index` at `value`; keeps use lists right. For the Rewriter and builders only. */
  setOperand(index: number, value: Value | undefined): void {
    const use = this.#uses[index];
    if (use) this.operands[index]?.uses.delete(use);
    this.operands[index] = value;
    this.#uses[index] = undefined;
    if (value) {
      const added = { op: this, index };
      this.#uses[index] = added;
      value.uses.add(added);
    }
  }
}

/** A list of ops with arguments: the body of a function, or a region of an op. */
export class Block {
  readonly args: Value[] = [];
  /** The op whose region this is; undefined for a function's body. */
  readonly parent: Op | undefined;
  first: Op | undefined;
  last: Op | undefined;

  constructor(parent?: Op) {
    this.parent = parent;
  }

  addArgument(type: Type, name?: string): Value {
    const value = new Value(type, this, this.args.length, name);
    this.args.push(value);
    return value;
  }

  /** Takes the last `count` arguments away, which nothing uses. */
  dropArguments(count: number): void {
    const dropped = this.args.splice(this.args.length - count);
    invariant(
      dropped.every((value) => value.uses.size === 0),
      'an argument is still used',
    );
  }

  /** The ops in order. An op that is removed while it is visited does not stop the walk. */
  *ops(): Generator<Op> {
    let op = this.first;
    while (op) {
      const next: Op | undefined = op.next;
      yield op;
      op = next;
    }
  }

  /** Puts `op` before `anchor`, or at the end. For the Rewriter and builders only. */
  insert(op: Op, anchor?: Op): void {
    invariant(!op.block, `${op.name} is already in a block`);
    op.block = this;
    op.next = anchor;
    op.previous = anchor ? anchor.previous : this.last;
    if (op.previous) op.previous.next = op;
    else this.first = op;
    if (anchor) anchor.previous = op;
    else this.last = op;
  }

  /** Takes `op` out of this block; its operands stay. For the Rewriter only. */
  remove(op: Op): void {
    invariant(op.block === this, `${op.name} is not in this block`);
    if (op.previous) op.previous.next = op.next;
    else this.first = op.next;
    if (op.next) op.next.previous = op.previous;
    else this.last = op.previous;
    op.block = undefined;
    op.previous = undefined;
    op.next = undefined;
  }
}

/** Every op of a block and of its regions, outer before inner. */
export function* walk(block: Block): Generator<Op> {
  for (const op of block.ops()) {
    yield op;
    for (const region of op.regions) yield* walk(region);
  }
}
