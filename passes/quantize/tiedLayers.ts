import { add } from '../../dialects/nn/binary.ts';
import type { Op, Value } from '../../src/ir/index.ts';
import { floatConstantOf } from '../constants.ts';

/**
 * Layers in groups that get one width: those whose results meet in a sum (Yao et al., HAWQ-V3 (2021), section 3.2), those
 * that read one constant, and those of one name.
 */
export function tiedLayers(layers: readonly Op[]): (readonly Op[])[] {
  const places = new Map(layers.map((op, i) => [op, i]));
  const leaders = layers.map((_, i) => i);
  const leaderOf = (i: number): number => (leaders[i] === i ? i : leaderOf(leaders[i] as number));
  const tie = (found: readonly number[]): void => {
    const [first, ...others] = found.map(leaderOf);
    for (const other of others) leaders[leaderOf(other)] = leaderOf(first as number);
  };
  const tieBy = (key: (op: Op) => unknown): void => {
    for (const group of Map.groupBy(layers, key).values()) tie(group.map((op) => places.get(op) as number));
  };
  tieBy((op) => op.operand(1));
  tieBy((op) => op.source);
  const block = layers[0]?.block;
  for (const op of block?.ops() ?? []) {
    if (!add.is(op) || op.operands.some((operand) => floatConstantOf(operand))) continue;
    tie(op.operands.flatMap((operand) => makersOf(operand as Value, places)));
  }
  return [...Map.groupBy(layers, (op) => leaderOf(places.get(op) as number)).values()];
}

/** The layers whose results a value holds, whatever elementwise functions and moves of one operand lie between. */
function makersOf(value: Value, places: ReadonlyMap<Op, number>): number[] {
  const { op } = value;
  const place = op && places.get(op);
  if (place !== undefined) return [place];
  if (!op) return [];
  if (add.is(op)) return op.operands.flatMap((operand) => makersOf(operand as Value, places));
  const read = op.operands.filter((operand) => operand && !floatConstantOf(operand));
  return read.length === 1 ? makersOf(read[0] as Value, places) : [];
}
