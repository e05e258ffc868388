import type { AttributeSpecs, Op, OperandSpecs, Rewriter, TypedOp, Value } from '../ir/index.ts';

/** Matches a value; `C` are the names and kinds of what it captures. */
export interface Pattern<C> {
  /** Whether `value` matches; fills `captures`. */
  matches(value: Value, captures: Record<string, Op | Value>): boolean;
  readonly captured?: C;
}

/** Matches a value that one kind of op makes. */
export interface OpPattern<C> extends Pattern<C> {
  readonly definition: TypedOp<OperandSpecs, AttributeSpecs>;
  matchesOp(op: Op, captures: Record<string, Op | Value>): boolean;
}

type CapturesOf<P> = P extends Pattern<infer C> ? C : never;
type Intersection<U> = (U extends unknown ? (x: U) => void : never) extends (x: infer I) => void ? I : never;
type Simplify<T> = { [K in keyof T]: T[K] };
type AllCaptures<P> = [keyof P] extends [never]
  ? unknown
  : Intersection<{ [K in keyof P]-?: CapturesOf<P[K]> }[keyof P]>;

/** A result of `definition` whose operands match the given patterns; operands that are not named match anything. */
export function op<
  O extends OperandSpecs,
  A extends AttributeSpecs,
  // biome-ignore lint/complexity/noBannedTypes: the empty set of operand patterns
  P extends { [K in keyof O]?: Pattern<unknown> } = {},
>(definition: TypedOp<O, A>, operands?: P): OpPattern<AllCaptures<P>> {
  const names = Object.keys(definition.operands);
  const patterns = Object.entries(operands ?? {}) as [string, Pattern<unknown>][];
  const matchesOp = (candidate: Op, captures: Record<string, Op | Value>): boolean =>
    definition.is(candidate) &&
    patterns.every(([name, pattern]) => {
      const operand = candidate.operands[names.indexOf(name)];
      return operand !== undefined && pattern.matches(operand, captures);
    });
  return {
    definition: definition as unknown as TypedOp<OperandSpecs, AttributeSpecs>,
    matchesOp,
    matches: (value, captures) => value.op !== undefined && matchesOp(value.op, captures),
  };
}

/** Captures the op that makes the value. */
export function capture<const N extends string, C>(name: N, pattern: OpPattern<C>): OpPattern<C & Record<N, Op>> {
  const matchesOp = (candidate: Op, captures: Record<string, Op | Value>): boolean => {
    if (!pattern.matchesOp(candidate, captures)) return false;
    captures[name] = candidate;
    return true;
  };
  return {
    definition: pattern.definition,
    matchesOp,
    matches: (value, captures) => value.op !== undefined && matchesOp(value.op, captures),
  };
}

/** Captures any value. */
export function value<const N extends string>(name: N): Pattern<Record<N, Value>> {
  return {
    matches(candidate, captures) {
      captures[name] = candidate;
      return true;
    },
  };
}

/** The pattern, on a value that nothing else uses. */
export function oneUse<P extends Pattern<unknown>>(pattern: P): P {
  return { ...pattern, matches: (v, captures) => v.uses.size === 1 && pattern.matches(v, captures) };
}

/** One rewrite: an identity, what it matches, and what it becomes. */
export interface Rule {
  readonly name: string;
  readonly root: OpPattern<unknown>;
  /** Tries the rule on `op`; true when the IR was changed. */
  apply(op: Op, rewriter: Rewriter): boolean;
}

/**
 * Declares a rewrite. `rewrite` gets the matched op as `root` and the captures; it gives the values that replace
 * the root's results (the root is then erased), `true` when it changed the IR in place, or undefined when the rule
 * does not apply after all. State the identity in a comment above.
 */
export function rule<C>(
  name: string,
  root: OpPattern<C>,
  rewrite: (match: Simplify<C & { root: Op }>, rewriter: Rewriter) => Value | readonly Value[] | true | undefined,
): Rule {
  return {
    name,
    root,
    apply(candidate, rewriter) {
      const captures: Record<string, Op | Value> = { root: candidate };
      if (!root.matchesOp(candidate, captures)) return false;
      rewriter.before(candidate);
      const outcome = rewrite(captures as Simplify<C & { root: Op }>, rewriter);
      if (outcome === undefined) return false;
      if (outcome !== true) rewriter.replace(candidate, Array.isArray(outcome) ? outcome : [outcome as Value]);
      return true;
    },
  };
}
