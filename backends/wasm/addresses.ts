import { constantOf, elementOf, forLoop, lanewisePrimitives } from '../../dialects/kernel/index.ts';
import { Block, type Value } from '../../src/ir/index.ts';
import { laneBytes } from './shapes.ts';
import type { Expression, KernelContext, Register } from './values.ts';

/** Where an access goes: a base address and the constant that its instruction adds. */
export interface Address {
  readonly base: Register;
  readonly offset: number;
}

const { add, mul, shr, min, max } = lanewisePrimitives;

/** Whether an index is proved not to be negative: made of counters and constants by what keeps a sign. */
function isNonNegative(value: Value): boolean {
  const constant = constantOf(value);
  if (constant !== undefined) return constant >= 0;
  if (value.definer instanceof Block) {
    const loop = value.definer.parent;
    return value.index === 0 && forLoop.is(loop) && isNonNegative(forLoop.operandsOf(loop).lower);
  }
  const { definition, operands } = value.definer;
  const closed = [add, mul, shr, min, max].map((primitive) => primitive.definition);
  return closed.includes(definition) && operands.every((operand) => operand !== undefined && isNonNegative(operand));
}

/** The index without its constant part, and that part. Only parts that leave a non-negative rest are taken off. */
function splitIndex(index: Value): { rest: Value | undefined; constant: number } {
  const known = constantOf(index);
  if (known !== undefined && known >= 0) return { rest: undefined, constant: known };
  const op = index.op;
  if (op?.definition === add.definition) {
    for (const [a, b] of [op.operands, op.operands.toReversed()] as [Value, Value][]) {
      const constant = constantOf(b);
      if (constant !== undefined && constant >= 0 && isNonNegative(a)) {
        const inner = splitIndex(a);
        return { rest: inner.rest, constant: inner.constant + constant };
      }
    }
  }
  return { rest: index, constant: 0 };
}

/**
 * The address of element `index` of a buffer.
 * @param reach bytes below which the instruction's constant must stay; what is more goes into the base
 */
export function addressOf(c: KernelContext, buffer: Value, index: Value, reach?: number): Address {
  const { m } = c;
  const width = laneBytes(elementOf(buffer));
  const { rest, constant } = splitIndex(index);
  const start = c.scalar(buffer);
  const offset = constant * width;
  if (!rest) return { base: start, offset };
  const register =
    c.innermost?.pointer(buffer, rest, width) ??
    c.hoisted(`address ${width}`, [buffer, rest], () => m.i32.add(start(), scaledIndex(c, c.scalar(rest)(), width)))
      .register;
  const near = reach === undefined ? offset : offset % reach;
  if (near === offset) return { base: register, offset };
  const far = c.hoisted(`address ${width} + ${offset - near}`, [buffer, rest], () =>
    m.i32.add(register(), m.i32.const(offset - near)),
  );
  return { base: far.register, offset: near };
}

/** An index in bytes, for elements of `width` bytes. */
export function scaledIndex(c: KernelContext, index: Expression, width: number): Expression {
  const { i32 } = c.m;
  return width === 1 ? index : i32.mul(index, i32.const(width));
}
