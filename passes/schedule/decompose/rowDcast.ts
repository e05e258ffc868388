import { rowSegments } from '../../../dialects/quant/rowCodes.ts';
import { rowDcast } from '../../../dialects/quant/rowDcast.ts';
import { op, rule } from '../../../src/rewrite/index.ts';
import { RowOps, widthOf } from '../../rowOps.ts';

// row_dcast(codes, s, low) == code·s + low, group by group; a byte of two codes is first + 16·second
export const rowDcastRule = rule('row-dcast-as-products', op(rowDcast), ({ root }, rewriter) => {
  const ops = new RowOps(rewriter);
  const [codes, scale, low] = [root.operand(0), root.operand(1), root.operands[2]];
  const stored = ops.to(codes, 'f32');
  const second = low && ops.floored(ops.times(stored, ops.number(1 / 16)));
  const first = second ? ops.minus(stored, ops.times(second, ops.number(16))) : stored;
  const parts = rowSegments((low ? 2 : 1) * widthOf(codes), low !== undefined).map(({ at, length, shift, group }) => {
    const part = ops.part(shift === 4 && second ? second : first, at, length);
    const scaled = ops.times(part, ops.part(scale, group, 1));
    return low ? ops.plus(scaled, ops.part(low, group, 1)) : scaled;
  });
  return ops.join(parts);
});
