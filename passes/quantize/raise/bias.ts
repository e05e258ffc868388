import type { Op, QuantParams } from '../../../src/ir/index.ts';
import { fitBias } from '../../../src/numerics/index.ts';
import { floatConstantOf } from '../../constants.ts';
import { constantCodes } from './weights.ts';

/**
 * The bias of a layer in steps of its sums: the model's own codes where those are its steps. Undefined: there is none;
 * a string says why it has no such form.
 */
export function biasSteps(op: Op, inputScale: number, scales: readonly number[]): Int32Array | undefined | string {
  if (!op.operands[2]) return undefined;
  const own = constantCodes(op.operands[2]);
  const steps = scales.map((scale) => Math.fround(inputScale * scale));
  if (own?.type.storage === 'i32') {
    const { scale, zeroPoint } = own.type.params as QuantParams;
    const same = steps.every((step, c) => (scale[c] ?? scale[0]) === step) && zeroPoint.every((z) => z === 0);
    if (same) return own.codes.data as Int32Array;
  }
  const real = own ? dequantized(own) : (floatConstantOf(op.operands[2])?.data as Float32Array | undefined);
  if (!real) return 'its bias is no constant';
  if (!real.every(Number.isFinite)) return 'its bias is not finite';
  const fitted = Array.from(real, (b, c) => fitBias(b, inputScale, scales[c] as number, false, op.source));
  if (fitted.some(({ doublings }) => doublings > 0)) return 'its bias does not fit the accumulator';
  return Int32Array.from(fitted, ({ code }) => code);
}

/** fl32((q − z)·S) of codes with one scale, or one an element. */
function dequantized({ codes, type }: NonNullable<ReturnType<typeof constantCodes>>): Float32Array | undefined {
  const { scale, zeroPoint } = type.params as QuantParams;
  if (scale.length !== 1 && scale.length !== codes.data.length) return undefined;
  return Float32Array.from(
    codes.data as Int32Array,
    (q, i) => (q - (zeroPoint[i] ?? (zeroPoint[0] as number))) * (scale[i] ?? (scale[0] as number)),
  );
}
