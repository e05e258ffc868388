import type binaryen from 'binaryen';
import { elementOf, lanesOf } from '../../dialects/kernel/index.ts';
import type { Block, Value } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import type { Binaryen } from './relaxed.ts';
import { laneBytes, laneShape, registersFor } from './shapes.ts';

export type Expression = binaryen.ExpressionRef;

/** Reads a local, or makes a constant; a fresh expression at every call, since a tree may hold each only once. */
export type Register = () => Expression;

/** Statements of a block under construction, and addresses already computed in it. */
interface Scope {
  readonly block: Block;
  readonly statements: Expression[];
  readonly addresses: Map<string, Register>;
}

/** What the code of one kernel is built with: its locals, and the registers that hold each SSA value. */
export class KernelContext {
  readonly b: Binaryen;
  readonly m: binaryen.Module;
  /** Whether relaxed instructions may be used. */
  readonly relaxed: boolean;
  /** Types of the locals behind the parameters. */
  readonly locals: binaryen.Type[] = [];
  readonly #parameters: number;
  readonly #registers = new Map<Value, readonly Register[]>();
  readonly #maskWidths = new Map<Value, number>();
  readonly #identities = new Map<Value, number>();
  readonly #scopes: Scope[] = [];
  readonly #constants: Expression[] = [];
  readonly #constantLocals = new Map<string, number>();

  constructor(b: Binaryen, m: binaryen.Module, relaxed: boolean, parameters: readonly Value[]) {
    this.b = b;
    this.m = m;
    this.relaxed = relaxed;
    this.#parameters = parameters.length;
    parameters.forEach((value, i) => {
      this.#registers.set(value, [() => m.local.get(i, b.i32)]);
    });
  }

  /** The type of a local that holds one register of a value. */
  localType(value: Value): binaryen.Type {
    const { element, isVector } = laneShape(value.type);
    if (isVector) return this.b.v128;
    return element === 'f32' ? this.b.f32 : element === 'i64' || element === 'u64' ? this.b.i64 : this.b.i32;
  }

  /** A new local of a type. */
  local(type: binaryen.Type): number {
    return this.#parameters + this.locals.push(type) - 1;
  }

  statement(expression: Expression): void {
    this.#scope.statements.push(expression);
  }

  /** Computes an expression now and keeps its result. */
  hold(expression: Expression, type: binaryen.Type = this.b.v128): Register {
    const local = this.local(type);
    this.statement(this.m.local.set(local, expression));
    return () => this.m.local.get(local, type);
  }

  /** A vector constant, in a local that is set once, at the start of the kernel: engines reload literals in loops. */
  constant(bytes: Uint8Array): Register {
    const key = bytes.join();
    const local = this.#constantLocals.get(key) ?? this.local(this.b.v128);
    if (!this.#constantLocals.has(key)) {
      this.#constantLocals.set(key, local);
      this.#constants.push(this.m.local.set(local, this.m.v128.const(bytes)));
    }
    return () => this.m.local.get(local, this.b.v128);
  }

  define(value: Value, registers: readonly Register[]): void {
    this.#registers.set(value, registers);
  }

  /** Registers of a value, the lowest lanes first. */
  registers(value: Value): readonly Register[] {
    const registers = this.#registers.get(value);
    invariant(registers, 'a value is used before it is computed');
    return registers;
  }

  /** The only register of a scalar or a buffer's address. */
  scalar(value: Value): Register {
    return this.registers(value)[0] as Register;
  }

  /** Bytes of a lane of a value: of its element, or of the comparison that made a mask. */
  width(value: Value): number {
    return elementOf(value) === 'i1' ? (this.#maskWidths.get(value) ?? 1) : laneBytes(elementOf(value));
  }

  setMaskWidth(value: Value, width: number): void {
    this.#maskWidths.set(value, width);
  }

  /** Number of registers that a value takes. */
  count(value: Value): number {
    return laneShape(value.type).isVector ? registersFor(lanesOf(value), this.width(value)) : 1;
  }

  /** A number that stands for a value. */
  identity(value: Value): number {
    const known = this.#identities.get(value);
    if (known !== undefined) return known;
    this.#identities.set(value, this.#identities.size);
    return this.#identities.size - 1;
  }

  /** Runs `body` with a new block of statements and gives them back. */
  inBlock(block: Block, body: () => void): Expression[] {
    const scope: Scope = { block, statements: [], addresses: new Map() };
    this.#scopes.push(scope);
    body();
    this.#scopes.pop();
    return this.#scopes.length === 0 ? [...this.#constants, ...scope.statements] : scope.statements;
  }

  /**
   * An address that depends on `index` alone, computed once, in the block that defines `index`: outside of every
   * loop that doesn't change it.
   */
  address(key: string, index: Value, expression: () => Expression): Register {
    const home = index.op ? index.op.block : index.definer;
    const scope = this.#scopes.findLast(({ block }) => block === home) ?? this.#scope;
    const known = scope.addresses.get(key);
    if (known) return known;
    const local = this.local(this.b.i32);
    scope.statements.push(this.m.local.set(local, expression()));
    const register = () => this.m.local.get(local, this.b.i32);
    scope.addresses.set(key, register);
    return register;
  }

  get #scope(): Scope {
    return this.#scopes.at(-1) as Scope;
  }
}
