import { dcast } from '../../dialects/quant/dcast.ts';
import { scast } from '../../dialects/quant/scast.ts';
import { bitsOf, isInteger, type Module, type Op, storageOf, type TensorType, type Value } from '../../src/ir/index.ts';

/** Which values of a module in integers become outputs of it. */
export type Cut = 'codes' | 'border';

/**
 * Gives @main further outputs, so that integers can be seen that the model keeps to itself. For a module after the
 * passes of `integer/` and before those of `schedule/`.
 *
 * - `codes`: all results in at most 8 bits, and the accumulators at the border to float: every layer on its own.
 * - `border`: what the codes and accumulators at the border are as floats; kernels stay fused as in the model itself.
 *   These floats are conversions and single multiplications, which leave no room for rounding.
 *
 * @returns the names of the outputs whose bytes must be the same wherever the module runs
 */
export function exposeIntegers(module: Module, cut: Cut): string[] {
  const { main } = module;
  const end = main.body.last as Op;
  const names: string[] = [];
  for (const op of [...main.body.ops()]) {
    for (const value of cut === 'codes' ? codesOf(op) : atBorder(op)) {
      const returned = end.operands.indexOf(value);
      if (returned < 0) {
        main.resultNames.push(`${cut}${names.length}`);
        main.resultTypes.push(value.type);
        end.setOperand(end.operands.length, value);
      }
      names.push(main.resultNames.at(returned) as string);
    }
  }
  return names;
}

function storageBits(value: Value): number {
  const storage = storageOf((value.type as TensorType).element);
  return isInteger(storage) ? bitsOf(storage) : Number.POSITIVE_INFINITY;
}

const isConversion = (op: Op | undefined): boolean => scast.is(op);
const isToFloat = (op: Op): boolean => dcast.is(op);

function codesOf(op: Op): readonly Value[] {
  if (isConversion(op)) return [op.operand(0)];
  if (isToFloat(op)) return isConversion(op.operand(0).op) ? [] : [op.operand(0)];
  if (op.definition.typing === 'moves' || op.operands.length === 0) return [];
  return op.results.filter((value) => storageBits(value) <= 8);
}

/** The float that a code becomes, its scale multiplied in. */
function atBorder(op: Op): readonly Value[] {
  if (!isToFloat(op)) return [];
  const [user, ...more] = op.result.users;
  const scaled = user?.name === 'nn.mul' && more.length === 0 && isConversion(op.operand(0).op);
  return [scaled ? user.result : op.result];
}
