import { angle as intAngle } from '../../dialects/int/angle.ts';
import type { Op, TensorType, Value } from '../../src/ir/index.ts';
import { angleStep } from '../../src/numerics/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { createInts, floatConstantOf } from '../constants.ts';
import { codesOf, type IntegerBuilder } from './builder.ts';

/** nn.angle: products that wrap as angles do, however large x is. */
export function lowerAngle(op: Op, build: IntegerBuilder): Value {
  const x = op.operand(0);
  const isWhole = typeof (x.type as TensorType).element === 'string';
  const { scale, zeroPoint } = isWhole ? { scale: 1, zeroPoint: 0 } : codesOf(x, op.source);
  const { shape, data } = floatConstantOf(op.operands[1]) as HostTensor;
  const steps = Int32Array.from(data as Float32Array, (factor) => angleStep(scale * factor));
  const step = createInts(build.rewriter, `${op.source}.steps`, shape, steps);
  const types = [build.storedType(op.result)];
  const operands = { x: isWhole ? x : build.stored(x), step };
  return build.rewriter.create(intAngle, operands, { zero_point: zeroPoint }, { types }).result;
}
