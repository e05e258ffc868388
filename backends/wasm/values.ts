import type binaryen from 'binaryen';
import { constantOf, elementOf, lanesOf } from '../../dialects/kernel/index.ts';
import type { Value } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import type { InnermostLoop } from './pointers.ts';
import type { Binaryen } from './relaxed.ts';
import { laneBytes, laneShape, registersFor } from './shapes.ts';

export type Expression = binaryen.ExpressionRef;

/** Reads a local, or makes a constant; a fresh expression at every call, since a tree may hold each only once. */
export type Register = () => Expression;

/**
 * How often each local is read, and which must be set at their place: found by building a
 * kernel once, used by building it again. The numbers of locals are the same both times.
 */
export class LocalUses {
  readonly reads = new Map<number, number>();
  /** Locals that are read in another block, or behind a store. */
  readonly kept = new Set<number>();

  isSingle(local: number): boolean {
    return this.reads.get(local) === 1 && !this.kept.has(local);
  }
}

/** Expressions inside expressions up to this depth: engines and tools walk trees by recursion. */
const deepest = 32;

/** Statements of a block under construction, and what was already computed in it for use in blocks inside. */
interface Scope {
  readonly statements: Expression[];
  readonly known: Map<string, Register>;
}

/** Where a value is computed, and a name that equal computations share. */
interface Origin {
  readonly depth: number;
  readonly identity: string;
}

interface Hoisted extends Origin {
  readonly register: Register;
}

/** What the code of one kernel is built with: its locals, and the registers that hold each SSA value. */
export class KernelContext {
  readonly b: Binaryen;
  readonly m: binaryen.Module;
  /** Whether relaxed instructions may be used. */
  readonly relaxed: boolean;
  /** Types of the locals behind the parameters. */
  readonly locals: binaryen.Type[] = [];
  /** The loop under construction, where it has no other inside it. */
  innermost: InnermostLoop | undefined;
  /** What this build finds out about its locals. */
  readonly uses = new LocalUses();
  readonly #earlier: LocalUses | undefined;
  readonly #parameters: number;
  /** Stores so far: a value that is read behind one is computed before it, since it may depend on a load. */
  #stores = 0;
  /** Depth of the trees taken into the expression under construction. */
  #takenDepth = 0;
  readonly #registers = new Map<Value, readonly Register[]>();
  readonly #maskWidths = new Map<Value, number>();
  readonly #origins = new Map<Value, Origin>();
  readonly #scopes: Scope[] = [];
  readonly #constants: Expression[] = [];
  readonly #constantLocals = new Map<string, number>();

  constructor(
    b: Binaryen,
    m: binaryen.Module,
    relaxed: boolean,
    parameters: readonly Value[],
    earlier: LocalUses | undefined,
  ) {
    this.b = b;
    this.m = m;
    this.relaxed = relaxed;
    this.#earlier = earlier;
    this.#parameters = parameters.length;
    parameters.forEach((value, i) => {
      this.define(value, [() => m.local.get(i, b.i32)], 0);
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

  /** Writes memory. */
  store(expression: Expression): void {
    this.#stores++;
    this.statement(expression);
  }

  /** Keeps the result of a computation: done now, or where its only reader is. */
  hold(expression: Expression, type: binaryen.Type = this.b.v128): Register {
    const local = this.local(type);
    const depth = this.#takenDepth + 1;
    this.#takenDepth = 0;
    if (this.#earlier && !this.#earlier.reads.has(local)) return () => expression;
    if (this.#earlier?.isSingle(local) && depth <= deepest) {
      return () => {
        this.#takenDepth = Math.max(this.#takenDepth, depth);
        return expression;
      };
    }
    return this.#set(local, expression, type);
  }

  /** Keeps a value as it is now. */
  copy(expression: Expression, type: binaryen.Type): Register {
    this.#takenDepth = 0;
    return this.#set(this.local(type), expression, type);
  }

  #set(local: number, expression: Expression, type: binaryen.Type): Register {
    this.statement(this.m.local.set(local, expression));
    const home = this.#scope;
    const stores = this.#stores;
    return () => {
      this.uses.reads.set(local, (this.uses.reads.get(local) ?? 0) + 1);
      if (this.#scope !== home || this.#stores !== stores) this.uses.kept.add(local);
      return this.m.local.get(local, type);
    };
  }

  /** Reads a register whose value must have been computed by now. */
  settled(register: Register): Expression {
    register();
    return register();
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

  /** Says which registers hold a value; `depth` counts the blocks around the one that it belongs to. */
  define(value: Value, registers: readonly Register[], depth: number = this.depth): void {
    this.#registers.set(value, registers);
    this.#origins.set(value, { depth, identity: `v${this.#origins.size}` });
  }

  /** Number of blocks around the one under construction. */
  get depth(): number {
    return this.#scopes.length - 1;
  }

  /** Number of blocks around the one that a value belongs to. */
  depthOf(value: Value): number {
    return this.#originOf(value).depth;
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

  /** Runs `body` with a new block of statements and gives them back. */
  inBlock(body: () => void): Expression[] {
    const scope: Scope = { statements: [], known: new Map() };
    this.#scopes.push(scope);
    body();
    this.#scopes.pop();
    return this.#scopes.length === 0 ? [...this.#constants, ...scope.statements] : scope.statements;
  }

  /**
   * An i32 that depends on `operands` alone, computed once for each `operation` on them, outside of every loop that
   * doesn't change them.
   */
  hoisted(operation: string, operands: readonly Value[], expression: () => Expression): Hoisted {
    const origins = operands.map((value) => this.#originOf(value));
    const depth = Math.max(0, ...origins.map((origin) => origin.depth));
    const scope = this.#scopes[depth] as Scope;
    const identity = `${operation}(${origins.map((origin) => origin.identity)})`;
    let register = scope.known.get(identity);
    if (!register) {
      const local = this.local(this.b.i32);
      scope.statements.push(this.m.local.set(local, expression()));
      register = () => this.m.local.get(local, this.b.i32);
      scope.known.set(identity, register);
    }
    return { register, depth, identity };
  }

  /** Gives a value a hoisted register. */
  defineHoisted(value: Value, operation: string, operands: readonly Value[], expression: () => Expression): void {
    const { register, ...origin } = this.hoisted(operation, operands, expression);
    this.#registers.set(value, [register]);
    this.#origins.set(value, origin);
  }

  #originOf(value: Value): Origin {
    const constant = constantOf(value);
    if (constant !== undefined) return { depth: 0, identity: `${constant}` };
    return this.#origins.get(value) as Origin;
  }

  get #scope(): Scope {
    return this.#scopes.at(-1) as Scope;
  }
}
