import { elementOf, lanesOf } from '../../dialects/kernel/index.ts';
import type { Op, ScalarType, Value } from '../../src/ir/index.ts';
import { scaledIndex } from './addresses.ts';
import { extractLane, fromLanes } from './laneops.ts';
import { isUnsigned, laneBytes, laneShape } from './shapes.ts';
import type { Expression, KernelContext, Register } from './values.ts';

function loadEntry(c: KernelContext, element: ScalarType, at: Expression): Expression {
  const { m } = c;
  const unsigned = isUnsigned(element);
  switch (laneBytes(element)) {
    case 1:
      return unsigned ? m.i32.load8_u(0, 1, at) : m.i32.load8_s(0, 1, at);
    case 2:
      return unsigned ? m.i32.load16_u(0, 1, at) : m.i32.load16_s(0, 1, at);
    case 4:
      return element === 'f32' ? m.f32.load(0, 1, at) : m.i32.load(0, 1, at);
    default:
      return m.i64.load(0, 1, at);
  }
}

/** buffer[index] lane by lane: faster than sixteen swizzles over the whole table. */
export function emitTable(c: KernelContext, op: Op): void {
  const [buffer, index] = op.operands as [Value, Value];
  const { m } = c;
  const element = elementOf(buffer);
  const start = c.scalar(buffer);
  const address = (entry: Expression) => m.i32.add(start(), scaledIndex(c, entry, laneBytes(element)));
  if (!laneShape(index.type).isVector) {
    const entry = m.i32.and(c.scalar(index)(), m.i32.const(0xff));
    c.define(op.result, [c.hold(loadEntry(c, element, address(entry)), c.localType(op.result))]);
    return;
  }
  const registers = c.registers(index);
  const indexElement: ScalarType = laneBytes(elementOf(index)) === 1 ? 'u8' : elementOf(index);
  const entry = (lane: number) => address(extractLane(c, registers, indexElement, lane));
  const lanes = lanesOf(index);
  if (laneBytes(element) > 1) {
    const type = element === 'f32' ? c.b.f32 : laneBytes(element) === 8 ? c.b.i64 : c.b.i32;
    const entries = Array.from({ length: lanes }, (_, lane) => c.hold(loadEntry(c, element, entry(lane)), type)());
    c.define(op.result, fromLanes(c, element, entries));
    return;
  }
  const results: Register[] = [];
  for (let at = 0; at < lanes; at += 16) {
    let joined = m.v128.load8_splat(0, 1, entry(at));
    for (let lane = 1; lane < Math.min(16, lanes - at); lane++) {
      joined = m.v128.load8_lane(0, 1, lane, entry(at + lane), joined);
    }
    results.push(c.hold(joined));
  }
  c.define(op.result, results);
}
