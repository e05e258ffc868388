/** How tightly an expression's outermost operator binds, in C and its descendants. */
export const precedence = {
  ternary: 3,
  or: 4,
  and: 5,
  bitOr: 6,
  bitXor: 7,
  bitAnd: 8,
  equality: 9,
  relational: 10,
  shift: 11,
  additive: 12,
  multiplicative: 13,
  unary: 14,
  primary: 16,
} as const;

/** The text of an expression, and what a printer must know to nest it. */
export interface Expression {
  readonly text: string;
  readonly precedence: number;
  /** Variables that change while the expression could still be printed: the carried ones of loops. */
  readonly carried: ReadonlySet<string>;
  /** Reads memory, so it may not move past a store. */
  readonly reads: boolean;
  /** The number that a literal stands for. */
  readonly literal?: number;
}

const nothing: ReadonlySet<string> = new Set();

/** A name, a call or another text that needs no parentheses anywhere. */
export function primary(text: string, from: readonly Expression[] = []): Expression {
  return expression(text, precedence.primary, from);
}

/** A variable that a loop assigns at the end of each turn. */
export function carriedVariable(name: string): Expression {
  return { text: name, precedence: precedence.primary, carried: new Set([name]), reads: false };
}

/** An expression made from others: it changes with them. */
export function expression(text: string, level: number, from: readonly Expression[]): Expression {
  const carried = from.some((e) => e.carried.size > 0) ? new Set(from.flatMap((e) => [...e.carried])) : nothing;
  return { text, precedence: level, carried, reads: from.some((e) => e.reads) };
}

/** Whether nothing is gained by giving the expression a name. */
export function isAtom(e: Expression): boolean {
  return e.literal !== undefined || /^[A-Za-z_]\w*$/.test(e.text);
}

/**
 * The text of an operand of an operator of level `level`: in parentheses, but for what everybody reads without them
 * (and compiles without a warning): products in sums, sums and products in comparisons, anything simple.
 */
export function nested(e: Expression, level: number): string {
  const arithmetic = e.precedence === precedence.additive || e.precedence === precedence.multiplicative;
  const clear =
    e.precedence >= precedence.unary ||
    (level === precedence.additive && e.precedence === precedence.multiplicative) ||
    ((level === precedence.relational || level === precedence.equality) && arithmetic) ||
    (level === precedence.ternary && e.precedence > precedence.ternary);
  return clear ? e.text : `(${e.text})`;
}

/** a op b, for operators that group from the left. */
export function binary(a: Expression, operator: string, b: Expression, level: number): Expression {
  const chained = level === a.precedence && (level === precedence.additive || level === precedence.multiplicative);
  const left = chained ? a.text : nested(a, level);
  return expression(`${left} ${operator} ${nested(b, level)}`, level, [a, b]);
}

/** a + b; a negative literal is subtracted. */
export function sum(a: Expression, b: Expression): Expression {
  if (b.literal !== undefined && b.literal < 0 && b.text.startsWith('-')) {
    return binary(a, '-', { ...primary(b.text.slice(1)), literal: -b.literal }, precedence.additive);
  }
  return binary(a, '+', b, precedence.additive);
}

export function negated(a: Expression): Expression {
  const text = a.precedence >= precedence.unary && !a.text.startsWith('-') ? a.text : `(${a.text})`;
  return expression(`-${text}`, precedence.unary, [a]);
}
