import { QcError } from '../../support/diagnostics.ts';
import type { HostTensor } from '../../support/tensor.ts';
import { applyInputFormat, passedShape, widen, widensTo } from './convert.ts';
import type { InputFormat } from './inputFormat.ts';
import { cutSamples, type InputSignature } from './signature.ts';

/** The samples of one input, in order. */
export interface Column {
  readonly length: number;
  /** Samples of one stream; `length` where all of them are one. */
  readonly steps: number;
  /** Sample `index` as the model takes it. @throws QcError when its file is bad */
  at(index: number): HostTensor;
}

/**
 * The samples that an array holds for an input, converted when they are read. `where` names the array in errors.
 * @throws QcError when the element type or the shape is not what the input takes
 */
export function arrayColumn(
  array: HostTensor,
  input: InputSignature,
  format: InputFormat | undefined,
  where: string,
  streams = false,
): Column {
  const convert = converter(array, input, format, where);
  const { count, steps, shape } = cutSamples(array.shape, passedShape(input, format), input.name, where, streams);
  const size = count === 0 ? 0 : array.data.length / count;
  return {
    length: count,
    steps,
    at: (index) => convert({ dtype: array.dtype, shape, data: array.data.subarray(index * size, (index + 1) * size) }),
  };
}

/** The samples of a folder, one a file; a file is read when its sample is asked for. */
export function folderColumn(
  paths: readonly string[],
  read: (path: string) => HostTensor,
  input: InputSignature,
  format: InputFormat | undefined,
): Column {
  return {
    length: paths.length,
    steps: paths.length,
    at: (index) => {
      const path = paths[index] ?? '';
      const column = arrayColumn(read(path), input, format, path);
      if (column.length === 1) return column.at(0);
      throw new QcError({
        what: `the file holds ${column.length} samples for input '${input.name}'`,
        where: path,
        why: 'in a folder each file is one sample',
        help: 'give the file itself instead of its folder, or split it',
      });
    },
  };
}

/** How samples of the array's type become the input's type. @throws QcError when values could be lost or misread */
function converter(
  array: HostTensor,
  input: InputSignature,
  format: InputFormat | undefined,
  where: string,
): (sample: HostTensor) => HostTensor {
  if (format) {
    if (!widensTo(array.dtype, format.dtype)) {
      throw new QcError({
        what: `the samples for input '${input.name}' are ${array.dtype}, the input format says ${format.dtype}`,
        where,
        help: `write --input-format ${input.name}:${array.dtype},… or give ${format.dtype} samples`,
      });
    }
    if (input.dtype !== 'f32') {
      throw new QcError({
        what: `input '${input.name}' takes ${input.dtype}, which has no input format`,
        where,
        why: 'an input format describes how numbers become f32',
        help: 'leave --input-format out for this input',
      });
    }
    return (sample) => applyInputFormat(format, sample);
  }
  if (widensTo(array.dtype, input.dtype)) return (sample) => widen(sample, input.dtype);
  const integerToFloat = input.dtype === 'f32' && /^[iu]/.test(array.dtype);
  throw new QcError({
    what: `the samples are ${array.dtype}, input '${input.name}' takes ${input.dtype}`,
    where,
    why: integerToFloat ? 'how they are scaled is part of the model, and not known' : 'values could be lost on the way',
    help: integerToFloat
      ? `say how, for example --input-format ${input.name}:${array.dtype},scale=1/255, or --input-format ${input.name}:${array.dtype} for values as they are`
      : `save the samples as ${input.dtype}`,
  });
}
