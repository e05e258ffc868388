import { defineOp, storageOf } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { broadcastAll, elementwiseType } from './broadcast.ts';
import { real, toF64 } from './elements.ts';

const turn = 2 * Math.PI;

/** Behind it stand periodic functions alone. x may be whole numbers: positions, or steps in time. */
export const angle = defineOp({
  name: 'nn.angle',
  summary: 'y = x·factor less whole turns of 2π, in [−π, π].',
  operands: { x: 'required', factor: 'required' },
  infer({ x, factor }) {
    if (storageOf(factor.element) !== 'f32')
      throw new QcError({ what: `a factor of ${factor.element}`, why: 'angles are computed in f32' });
    return elementwiseType([x, factor], 'f32');
  },
  evaluate({ x, factor }) {
    const { shape, operands } = broadcastAll([x, factor]);
    const [a, f] = operands.map(toF64) as [Float64Array, Float64Array];
    return real(
      shape,
      a.map((v, i) => {
        const whole = v * (f[i] as number);
        return whole - turn * Math.round(whole / turn);
      }),
    );
  },
  lower: {
    kind: 'elementwise',
    body(k, [x, factor]) {
      if (!x || !factor) throw new QcError({ what: 'an angle needs two operands' });
      const whole = k.mul(k.convert(x, 'f32'), factor);
      const number = (value: number) => k.constant(value, 'f32', whole);
      return k.sub(whole, k.mul(k.roundEven(k.mul(whole, number(1 / turn))), number(turn)));
    },
  },
});
