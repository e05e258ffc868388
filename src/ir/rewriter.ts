import { invariant } from '../support/diagnostics.ts';
import type { Attributes } from './attribute.ts';
import type { AttributeSpecs, ByOperand, OperandSpecs, TypedOp } from './define.ts';
import type { Layout } from './layout.ts';
import { Block, Op, type Value } from './op.ts';
import { type Type, tensor } from './types.ts';

/** Told of every change, so that worklists and traces stay right. */
export interface RewriteListener {
  created?(op: Op): void;
  /** Before the op leaves its block. */
  erased?(op: Op): void;
  /** Operands, attributes or result types changed. */
  changed?(op: Op): void;
}

export interface CreateOptions {
  /** Result types of an op whose typing is `declared`, or a quantized type for one that is `free`. */
  readonly types?: readonly Type[];
  /** Name of the model's node. Default: the rewriter's `source`. */
  readonly source?: string;
  /** Hint for the name of the first result. */
  readonly name?: string;
}

/** The one way to change the IR. Ops are made at the insertion point. */
export class Rewriter {
  /** Source name given to ops that are made without one. */
  source = '';
  readonly #listener: RewriteListener;
  #block: Block | undefined;
  #before: Op | undefined;

  constructor(listener: RewriteListener = {}) {
    this.#listener = listener;
  }

  /** New ops go before `op` and, unless they say otherwise, carry its source name. */
  before(op: Op): this {
    this.#block = op.block;
    this.#before = op;
    this.source = op.source;
    return this;
  }

  /** New ops go right after `op`. */
  after(op: Op): this {
    this.before(op);
    this.#before = op.next;
    return this;
  }

  atEnd(block: Block): this {
    this.#block = block;
    this.#before = undefined;
    return this;
  }

  atStart(block: Block): this {
    this.#block = block;
    this.#before = block.first;
    return this;
  }

  /** Makes and inserts an op; its result types are inferred, or given in `options.types`. */
  create<O extends OperandSpecs, A extends AttributeSpecs>(
    definition: TypedOp<O, A>,
    operands: ByOperand<O, Value>,
    attributes: Attributes = {},
    options: CreateOptions = {},
  ): Op {
    return this.createRaw(definition, definition.flatten(operands), attributes, options);
  }

  /** As `create`, with operands in order. */
  createRaw(
    definition: Op['definition'],
    operands: readonly (Value | undefined)[],
    attributes: Attributes = {},
    options: CreateOptions = {},
  ): Op {
    const types =
      options.types ?? definition.infer(operands, attributes) ?? (definition.results.length === 0 ? [] : undefined);
    invariant(types, `${definition.name} needs its result types said`);
    const op = new Op(definition, types, attributes, options.source ?? this.source);
    operands.forEach((value, i) => {
      op.setOperand(i, value);
    });
    if (options.name && op.results[0]) op.results[0].name = options.name;
    invariant(this.#block, 'the rewriter has no insertion point');
    this.#block.insert(op, this.#before);
    this.#listener.created?.(op);
    return op;
  }

  /** A new region of `op`. The insertion point does not move. */
  addRegion(op: Op): Block {
    const block = new Block(op);
    op.regions.push(block);
    return block;
  }

  /** One more result of an op whose results are declared. */
  addResult(op: Op, type: Type): Value {
    const value = op.addResult(type);
    this.#listener.changed?.(op);
    return value;
  }

  /** All uses of `from` become uses of `to`. */
  replaceUses(from: Value, to: Value): void {
    invariant(from !== to, 'a value cannot replace itself');
    to.name ??= from.name;
    for (const { op, index } of [...from.uses]) {
      op.setOperand(index, to);
      this.#listener.changed?.(op);
    }
  }

  /** Replaces the results of `op` by `values` and erases it. */
  replace(op: Op, values: readonly Value[]): void {
    invariant(values.length === op.results.length, `${op.name} has ${op.results.length} results`);
    op.results.forEach((result, i) => {
      this.replaceUses(result, values[i] as Value);
    });
    this.erase(op);
  }

  /** Removes an op whose results have no uses, with its regions. */
  erase(op: Op): void {
    invariant(
      op.results.every((r) => r.uses.size === 0),
      `${op.name} is still used`,
    );
    this.#listener.erased?.(op);
    for (const region of op.regions) {
      for (let inner = region.last; inner; inner = region.last) this.erase(inner);
    }
    if (this.#before === op) this.#before = op.next;
    op.operands.forEach((_, i) => {
      op.setOperand(i, undefined);
    });
    op.block?.remove(op);
  }

  setOperand(op: Op, index: number, value: Value | undefined): void {
    op.setOperand(index, value);
    this.#listener.changed?.(op);
  }

  setAttributes(op: Op, attributes: Attributes): void {
    op.attributes = { ...op.attributes, ...attributes };
    this.#listener.changed?.(op);
  }

  /** Moves `op`, with its regions, before `anchor` or to the end of `block`. */
  move(op: Op, block: Block, anchor?: Op): void {
    op.block?.remove(op);
    block.insert(op, anchor);
    this.#listener.changed?.(op);
  }

  /**
   * Gives `value` another type and infers again down its uses. Ops that move elements follow; others keep a
   * quantized result type that was declared, and take the new shape. Stops at ops whose typing is `declared`.
   */
  retype(value: Value, type: Type): void {
    if (value.type === type) return;
    value.type = type;
    if (value.op) this.#listener.changed?.(value.op);
    for (const user of value.users) this.#inferAgain(user);
  }

  /** Gives a tensor another layout. Inference does not look at layouts, so uses stay as they are. */
  setLayout(value: Value, layout: Layout | undefined): void {
    if (value.type.kind !== 'tensor') return;
    value.type = tensor(value.type.shape, value.type.element, layout);
    if (value.op) this.#listener.changed?.(value.op);
  }

  #inferAgain(op: Op): void {
    this.#listener.changed?.(op);
    const types = op.definition.infer(op.operands, op.attributes);
    types?.forEach((inferred, i) => {
      const result = op.results[i] as Value;
      this.retype(result, keepDeclared(op, result.type, inferred));
    });
  }
}

/** The inferred type, with the quantized element and the layout that a pass has chosen for the result. */
function keepDeclared(op: Op, declared: Type, inferred: Type): Type {
  if (declared.kind !== 'tensor' || inferred.kind !== 'tensor') return inferred;
  const keepsElement = op.definition.typing === 'free' && typeof declared.element !== 'string';
  return tensor(inferred.shape, keepsElement ? declared.element : inferred.element, declared.layout);
}
