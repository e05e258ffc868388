import { div, mul } from '../../dialects/nn/binary.ts';
import { clamp } from '../../dialects/nn/clamp.ts';
import { reduceMax } from '../../dialects/nn/reduce.ts';
import { abs } from '../../dialects/nn/unary.ts';
import { roundFloat } from '../../dialects/quant/roundFloat.ts';
import type { Rewriter, TensorType, Value } from '../../src/ir/index.ts';
import { F32_MIN_NORMAL } from '../../src/numerics/index.ts';
import { createFloats } from '../constants.ts';

/** The largest number of E4M3. */
const largest = 448;

/** Activations rounded to E4M3 with a scale for each row of the last axis, S = absmax/448; they stay f32. */
export function roundRows(rewriter: Rewriter, x: Value, source: string): Value {
  const rank = (x.type as TensorType).shape.length;
  const make = { source };
  const magnitude = rewriter.create(abs, { x }, {}, make).result;
  const most = rewriter.create(reduceMax, { x: magnitude }, { axes: [rank - 1], keepdims: true }, make).result;
  const limited = rewriter.create(clamp, { x: most }, { min: F32_MIN_NORMAL * 1024, max: Infinity }, make).result;
  const factor = createFloats(rewriter, `${source}.e4m3`, [], [1 / largest]);
  const scale = rewriter.create(mul, { a: limited, b: factor }, {}, make).result;
  const steps = rewriter.create(div, { a: x, b: scale }, {}, make).result;
  const rounded = rewriter.create(roundFloat, { x: steps }, {}, make).result;
  return rewriter.create(mul, { a: rounded, b: scale }, {}, make).result;
}
