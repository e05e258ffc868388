import type { ScalarType } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { extend, extractLane, fromLanes, integerLanes, splatConstant } from './laneops.ts';
import { laneSources, permute } from './permute.ts';
import { scalarOps } from './scalars.ts';
import { isUnsigned, laneBytes, registersFor } from './shapes.ts';
import type { KernelContext, Register } from './values.ts';

/** Lanes extended from `width` to `to` bytes. */
export function widen(
  c: KernelContext,
  registers: readonly Register[],
  lanes: number,
  unsigned: boolean,
  width: number,
  to: number,
): readonly Register[] {
  if (width >= to) return registers;
  const wider = Array.from({ length: registersFor(lanes, 2 * width) }, (_, i) =>
    c.hold(extend(c, width, unsigned, i % 2)((registers[i >> 1] as Register)())),
  );
  return widen(c, wider, lanes, unsigned, 2 * width, to);
}

/** The low bytes of each lane: integers wrap. */
export function wrap(
  c: KernelContext,
  registers: readonly Register[],
  lanes: number,
  width: number,
  to: number,
): readonly Register[] {
  const sources = laneSources(0, lanes, width).filter((_, i) => i % width < to);
  return permute(c, registers, sources);
}

/** Lanes clamped to a narrower type, halving the width until it is reached. */
export function narrowSaturate(
  c: KernelContext,
  registers: readonly Register[],
  lanes: number,
  from: ScalarType,
  to: ScalarType,
): readonly Register[] {
  const { m } = c;
  const width = laneBytes(from);
  const target = laneBytes(to);
  invariant(width > target && width <= 4, `${from} lanes do not narrow to ${to}`);
  let current = registers;
  if (isUnsigned(from)) {
    // the instructions read their operands as signed
    const most = isUnsigned(to) ? 2 ** (8 * target) - 1 : 2 ** (8 * target - 1) - 1;
    const bound = splatConstant(c, from, most, width);
    const min = width === 2 ? m.i16x8.min_u : m.i32x4.min_u;
    current = registers.map((r) => c.hold(min(r(), bound())));
  }
  for (let w = width; w > target; w /= 2) {
    const unsigned = isUnsigned(to) && w === 2 * target;
    const join =
      w === 4
        ? m.i16x8[unsigned ? 'narrow_i32x4_u' : 'narrow_i32x4_s']
        : m.i8x16[unsigned ? 'narrow_i16x8_u' : 'narrow_i16x8_s'];
    const halves = current;
    current = Array.from({ length: registersFor(lanes, w / 2) }, (_, i) => {
      const low = halves[2 * i] as Register;
      return c.hold(join(low(), (halves[2 * i + 1] ?? low)()));
    });
  }
  return current;
}

/** A mask with lanes of another width. */
export function resizeMask(
  c: KernelContext,
  registers: readonly Register[],
  lanes: number,
  width: number,
  to: number,
): readonly Register[] {
  return width < to
    ? widen(c, registers, lanes, false, width, to)
    : width > to
      ? wrap(c, registers, lanes, width, to)
      : registers;
}

/** To another element type: the dialect's `convert` on vectors; `width` is the lane width of the operand. */
export function convert(
  c: KernelContext,
  registers: readonly Register[],
  lanes: number,
  from: ScalarType,
  to: ScalarType,
  width: number,
): readonly Register[] {
  const { m } = c;
  const target = laneBytes(to);
  if (from === to) return registers;
  if (from === 'i1') {
    const one = splatConstant(c, to, 1, target);
    return resizeMask(c, registers, lanes, width, target).map((r) => c.hold(m.v128.and(r(), one())));
  }
  if (to === 'i1') {
    const zero = splatConstant(c, from, 0, width);
    return registers.map((r) => c.hold(integerLanes(c, width).ne(r(), zero())));
  }
  if ((from === 'f32' && target === 8) || (to === 'f32' && width === 8)) {
    const type = from === 'f32' ? c.b.f32 : c.b.i64;
    const scalars = Array.from({ length: lanes }, (_, i) => {
      const lane = c.hold(extractLane(c, registers, from, i), type);
      return scalarOps.convert({ c, args: [lane], element: from, to, attributes: {} });
    });
    return fromLanes(c, to, scalars);
  }
  if (from === 'f32') {
    if (to === 'u32') return registers.map((r) => c.hold(m.i32x4.trunc_sat_f32x4_u(r())));
    const whole = registers.map((r) => c.hold(m.i32x4.trunc_sat_f32x4_s(r())));
    return target === 4 ? whole : narrowSaturate(c, whole, lanes, 'i32', to);
  }
  if (to === 'f32') {
    const whole = widen(c, registers, lanes, isUnsigned(from), width, 4);
    const toFloat = from === 'u32' ? m.f32x4.convert_i32x4_u : m.f32x4.convert_i32x4_s;
    return whole.map((r) => c.hold(toFloat(r())));
  }
  return target > width
    ? widen(c, registers, lanes, isUnsigned(from), width, target)
    : target < width
      ? wrap(c, registers, lanes, width, target)
      : registers;
}
