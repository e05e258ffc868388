import { constantOf, elementOf, lanesOf, vector } from '../../dialects/kernel/index.ts';
import type { Op, Value } from '../../src/ir/index.ts';
import { InternalError, invariant } from '../../src/support/diagnostics.ts';
import { type IntrinsicName, intrinsics } from '../../src/target/index.ts';
import { resizeMask, widen } from './conversions.ts';
import { extractLane, extremum, fromLanes, lanesOfElement, splatConstant } from './laneops.ts';
import { laneSources, permute } from './permute.ts';
import { relaxedDot, relaxedSwizzle } from './relaxed.ts';
import { laneShape, registerBytes } from './shapes.ts';
import type { Expression, KernelContext, Register } from './values.ts';

export function emitSplat(c: KernelContext, op: Op): void {
  const [a] = op.operands as [Value];
  const element = elementOf(op.result);
  const known = constantOf(a);
  if (known !== undefined) {
    const register = splatConstant(c, element, known, c.width(op.result));
    c.define(
      op.result,
      Array.from({ length: c.count(op.result) }, () => register),
    );
    return;
  }
  const scalar = c.scalar(a)();
  const register =
    element === 'i1'
      ? c.hold(c.m.i8x16.splat(c.m.i32.sub(c.m.i32.const(0), scalar)))
      : c.hold(lanesOfElement(c, element).splat(scalar));
  c.define(
    op.result,
    Array.from({ length: c.count(op.result) }, () => register),
  );
}

export function emitConcat(c: KernelContext, op: Op): void {
  const parts = op.operands as Value[];
  const [first] = parts as [Value];
  const element = elementOf(op.result);
  if (!laneShape(first.type).isVector) {
    invariant(element !== 'i1', 'masks are joined as vectors');
    c.define(
      op.result,
      fromLanes(
        c,
        element,
        parts.map((part) => c.scalar(part)()),
      ),
    );
    return;
  }
  const width = c.width(first);
  if (element === 'i1') c.setMaskWidth(op.result, width);
  const registers = parts.map((part) =>
    element === 'i1' ? resizeMask(c, c.registers(part), lanesOf(part), c.width(part), width) : c.registers(part),
  );
  // bytes of each part, whose registers may be filled in part only
  const sources = registers.flatMap((_, i) => {
    const before = registers.slice(0, i).reduce((n, r) => n + r.length, 0) * registerBytes;
    return laneSources(0, lanesOf(parts[i] as Value), width).map((byte) => before + byte);
  });
  c.define(op.result, permute(c, registers.flat(), sources));
}

export function emitSlice(c: KernelContext, op: Op): void {
  const [a] = op.operands as [Value];
  const { offset } = vector.slice.attributesOf(op);
  const { element, isVector, lanes } = laneShape(op.result.type);
  if (!isVector) {
    invariant(element !== 'i1', 'masks are sliced as vectors');
    c.define(op.result, [c.hold(extractLane(c, c.registers(a), element, offset), c.localType(op.result))]);
    return;
  }
  if (element === 'i1') c.setMaskWidth(op.result, c.width(a));
  c.define(op.result, permute(c, c.registers(a), laneSources(offset, lanes, c.width(a))));
}

export function emitInterleave(c: KernelContext, op: Op): void {
  const [a, b] = op.operands as [Value, Value];
  const width = c.width(a);
  if (elementOf(a) === 'i1') c.setMaskWidth(op.result, width);
  const registers = [...c.registers(a), ...c.registers(b)];
  const second = c.registers(a).length * registerBytes;
  const { group } = vector.interleave.attributesOf(op);
  const together = group * width;
  const sources = laneSources(0, lanesOf(a), width);
  const mixed = Array.from({ length: lanesOf(a) / group }, (_, turn) =>
    sources.slice(turn * together, (turn + 1) * together),
  );
  c.define(
    op.result,
    permute(
      c,
      registers,
      mixed.flatMap((bytes) => [...bytes, ...bytes.map((byte) => second + byte)]),
    ),
  );
}

export function emitSwizzle(c: KernelContext, op: Op): void {
  const [table, index] = [0, 1].map((i) => c.registers(op.operand(i))) as [readonly Register[], readonly Register[]];
  // indices are below 16, where relaxed lanes are the same and want no bounds
  const lookUp = c.relaxed ? (a: Expression, b: Expression) => relaxedSwizzle(c.b, c.m, a, b) : c.m.i8x16.swizzle;
  c.define(
    op.result,
    index.map((lanes, i) => c.hold(lookUp((table[i] as Register)(), lanes()))),
  );
}

export function emitAddPairs(c: KernelContext, op: Op): void {
  const [a, b] = op.operands as [Value, Value];
  const width = c.width(a);
  const lanes = lanesOf(a);
  const registers = [...c.registers(a), ...c.registers(b)];
  const second = c.registers(a).length * registerBytes;
  const every2nd = (start: number) => {
    const sources = laneSources(start, lanes / 2, width, 2);
    return permute(c, registers, [...sources, ...sources.map((byte) => second + byte)]);
  };
  const odd = every2nd(1);
  const { add } = lanesOfElement(c, elementOf(a));
  c.define(
    op.result,
    every2nd(0).map((even, i) => c.hold(add(even(), (odd[i] as Register)()))),
  );
}

export function emitReduce(c: KernelContext, op: Op): void {
  const [a] = op.operands as [Value];
  const element = elementOf(a);
  const { op: how } = vector.reduce.attributesOf(op);
  const join = how === 'add' ? lanesOfElement(c, element).add : extremum(c, how, element);
  const width = c.width(a);
  let registers = c.registers(a);
  for (let lanes = lanesOf(a); lanes > 1; lanes /= 2) {
    invariant(lanes % 2 === 0, `${lanes} lanes have no half`);
    const low = permute(c, registers, laneSources(0, lanes / 2, width));
    const high = permute(c, registers, laneSources(lanes / 2, lanes / 2, width));
    registers = low.map((r, i) => c.hold(join(r(), (high[i] as Register)())));
  }
  c.define(op.result, [c.hold(extractLane(c, registers, element, 0), c.localType(op.result))]);
}

/** One accumulator register and the operands' registers that go into it. */
type Instruction = (c: KernelContext, weights: Expression, activations: Expression, sum: Expression) => Expression;

const elsewhere: Instruction = () => {
  throw new InternalError('an instruction of other machines');
};

/** How each contraction instruction is printed on vectors. */
const instructions: Record<IntrinsicName, Instruction> = {
  scalar_i8: ({ m }, weights, activations, sum) => m.i32x4.add(sum, m.i32x4.mul(weights, activations)),
  dot_i16x8: ({ m }, weights, activations, sum) => m.i32x4.add(sum, m.i32x4.dot_i16x8_s(weights, activations)),
  dot4_i8: elsewhere,
  dot_i8x4: elsewhere,
  dot_i16x16: elsewhere,
  dot_i16x32: elsewhere,
  dot_i8x16: elsewhere,
  mmla_i8x16: elsewhere,
  dot_u8x64: elsewhere,
  relaxed_dot_i8x16: ({ b, m }, weights, activations, sum) => relaxedDot(b, m, weights, activations, sum),
};

export function emitDot(c: KernelContext, op: Op): void {
  const [accumulator, weights, activations] = op.operands as [Value, Value, Value];
  const name = vector.dot.attributesOf(op).intrinsic as IntrinsicName;
  invariant(Object.hasOwn(intrinsics, name), `no intrinsic ${name}`);
  invariant(!intrinsics[name].feature || c.relaxed, `${name} in a kernel for the baseline`);
  if (!laneShape(accumulator.type).isVector) {
    invariant(name === 'scalar_i8', `${name} on scalars`);
    const { i32 } = c.m;
    const product = i32.mul(c.scalar(weights)(), c.scalar(activations)());
    c.define(op.result, [c.hold(i32.add(c.scalar(accumulator)(), product), c.b.i32)]);
    return;
  }
  const operand = (value: Value) => {
    const registers = c.registers(value);
    if (name !== 'scalar_i8') return registers;
    return widen(c, registers, lanesOf(value), elementOf(value) === 'u8', c.width(value), 4);
  };
  const [w, a] = [operand(weights), operand(activations)];
  const sums = c.registers(accumulator);
  invariant(
    w.length === sums.length && a.length === sums.length,
    `operands of ${name} fill other registers than its sum`,
  );
  // done now rather than at the reader: behind it, the operands' registers are free for the next of a tile's sums
  c.define(
    op.result,
    sums.map((sum, i) => c.copy(instructions[name](c, (w[i] as Register)(), (a[i] as Register)(), sum()), c.b.v128)),
  );
}
