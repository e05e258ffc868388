import { attr, defineOp, staticShape, type TensorType, type Value } from '../../src/ir/index.ts';
import { angleOf } from '../../src/numerics/index.ts';
import { broadcastTo } from '../nn/broadcast.ts';
import { wholeNumbers } from './add.ts';

/** Codes times steps of an angle, modulo a turn; whole numbers of 64 bits are read as i32. */
export const angle = defineOp({
  name: 'int.angle',
  summary: 'y = ((x − z)·step + 2^15) >> 16 modulo 2^32, in codes of 16 bits: a turn has 2^16; operands broadcast.',
  operands: { x: 'required', step: 'required' },
  attributes: { zero_point: attr.int(0) },
  domain: 'codes',
  evaluate({ x, step }, { zero_point }, { results }) {
    const shape = staticShape(results[0] as TensorType);
    const codes = wholeNumbers(broadcastTo(x, shape));
    const steps = broadcastTo(step, shape).data as Int32Array;
    const data = Int16Array.from(steps, (s, i) => angleOf((codes[i] as number) - zero_point, s));
    return { dtype: 'i16', shape, data };
  },
  lower: {
    kind: 'elementwise',
    body(k, operands, op): Value {
      const [x, step] = operands as [Value, Value];
      const code = k.convert(x, 'i32');
      const { zero_point } = angle.attributesOf(op);
      const d = zero_point === 0 ? code : k.sub(code, k.constant(zero_point, 'i32', code));
      const turned = k.mul(d, step);
      return k.narrowSaturate(k.shr(k.add(turned, k.constant(2 ** 15, 'i32', turned)), 16), 'i16');
    },
  },
});
