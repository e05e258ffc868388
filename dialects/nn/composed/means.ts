import type { OnnxMapping, OnnxNode, ScalarType, Value } from '../../../src/ir/index.ts';
import { clamp } from '../clamp.ts';
import { readAxes, reducedShape } from '../reduce.ts';
import { exp, log } from '../unary.ts';
import { Compose, elementOf, shapeOf } from './compose.ts';

/** The mean of any number of operands. */
function mean(node: OnnxNode): Value {
  const c = new Compose(node);
  let total = node.input(0);
  for (let i = 1; i < node.inputCount; i++) total = c.add(total, node.input(i));
  return node.inputCount === 1 ? total : c.mul(total, c.scalar(1 / node.inputCount, total));
}

/** The largest finite number of an element type, or one near it. */
const largestFinite = (element: ScalarType) => (element === 'f16' ? 65504 : 3e38);

/** m + ln Σ e^(x − m) with the largest element m, so that no exponential overflows. */
function logSumExp(node: OnnxNode): Value {
  const c = new Compose(node);
  const x = node.input(0);
  const axes = readAxes(node, 18);
  const keepdims = node.int('keepdims', 1) !== 0;
  if (!axes || axes.length === 0) return x;
  const bound = largestFinite(elementOf(x));
  const top = node.create(clamp, { x: c.largest(x, axes) }, { min: -bound, max: bound }).result;
  const sum = c.sum(c.apply(exp, c.sub(x, top)), axes);
  const y = c.add(c.apply(log, sum), top);
  return keepdims ? y : c.reshape(y, reducedShape(shapeOf(x), axes, false));
}

export const meanMappings: readonly OnnxMapping[] = [
  { op: 'Mean', build: mean },
  { op: 'ReduceLogSumExp', build: logSumExp },
];
