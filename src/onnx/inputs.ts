import { type TensorType, tensor } from '../ir/index.ts';
import { QcError } from '../support/diagnostics.ts';
import type { HostTensor } from '../support/tensor.ts';
import type { ValueInfoProto } from './proto/index.ts';
import type { Symbols } from './symbols.ts';

/** The type of a model's input, under the shape that the caller gives for it, if any. @throws QcError */
export function inputType(input: ValueInfoProto, symbols: Symbols, given: readonly number[] | undefined): TensorType {
  const { type } = input;
  const fail = (what: string, help: string): never => {
    throw new QcError({ what: `the input '${input.name}' ${what}`, where: input.name, help });
  };
  if (type?.kind !== 'tensor')
    return fail(`is a ${type?.kind ?? 'value without a type'}`, 'inputs must be dense tensors');
  const { dtype } = type;
  if (!dtype) return fail('has no element type', 'export the model again');
  if (dtype === 'string') return fail('holds text', 'turn text into token ids before the model');
  const declared = type.shape;
  if (given) {
    const fits =
      !declared ||
      (given.length === declared.length && declared.every((d, i) => typeof d !== 'number' || d === given[i]));
    if (!fits) fail(`cannot have the shape [${given.join(', ')}]`, `the model declares [${declared?.join(', ')}]`);
    return tensor(given, dtype);
  }
  if (!declared) return fail('has no shape', 'give its shape, or export the model with one');
  return tensor(
    declared.map((dim, i) => symbols.dimension(dim, `${input.name}_${i}`)),
    dtype,
  );
}

/** Refuses a constant of another element type than the input it is given for. @throws QcError */
export function checkedConstant(name: string, value: HostTensor, type: TensorType): HostTensor {
  if (value.dtype === type.element) return value;
  throw new QcError({
    what: `the constant for the input '${name}' has elements of ${value.dtype}`,
    where: name,
    why: `the model needs ${type.element}`,
    help: 'convert it',
  });
}
