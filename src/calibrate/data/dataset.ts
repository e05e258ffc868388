import { invariant, QcError } from '../../support/diagnostics.ts';
import { elementCount, type HostTensor, typedArrayOf } from '../../support/tensor.ts';
import type { Column } from './column.ts';
import type { InputFormat } from './inputFormat.ts';
import type { InputSignature } from './signature.ts';
import { type DataFiles, readSource } from './source.ts';

/**
 * Samples for a model: for each index a tensor for every input. Of states for which no samples are given, only the first
 * sample of a stream has one, of zeros: from there on they are carried.
 */
export interface Dataset extends Iterable<Record<string, HostTensor>> {
  readonly length: number;
  readonly inputs: readonly string[];
  /** The inputs of sample `index`, in the model's types and shapes. @throws QcError when its file is bad */
  sample(index: number): Record<string, HostTensor>;
}

export interface DatasetOptions {
  readonly formats?: readonly InputFormat[];
  /** Take the first so many samples only; at least 1. */
  readonly limit?: number | undefined;
}

/**
 * Builds a dataset. A source is `PATH` or `INPUT=PATH`, where PATH is a `.npy` array (of a single input, or of INPUT),
 * a `.npz` archive by input name, or a folder of these with one sample a file (in the order of the file names).
 * @throws QcError when inputs are left without samples, or shapes, types or counts do not fit the signature
 */
export function loadDataset(
  sources: readonly string[],
  signature: readonly InputSignature[],
  files: DataFiles,
  options: DatasetOptions = {},
): Dataset {
  const { formats = [], limit } = options;
  if (limit !== undefined && !(Number.isInteger(limit) && limit > 0)) {
    throw new QcError({ what: `a limit of ${limit} samples is not possible`, help: 'give a whole number from 1' });
  }
  const columns = new Map<string, Column>();
  for (const source of sources) {
    for (const [name, column] of readSource(source, signature, files, formats)) {
      if (columns.has(name)) {
        throw new QcError({ what: `input '${name}' has two sources`, where: source, help: 'give one of them' });
      }
      columns.set(name, column);
    }
  }
  const where = sources.join(' ');
  const length = commonLength(columns, signature, where);
  const steps = commonSteps(columns, where);
  return makeDataset(columns, signature, steps, Math.min(length, limit ?? length));
}

function makeDataset(
  columns: Map<string, Column>,
  signature: readonly InputSignature[],
  steps: number,
  length: number,
): Dataset {
  const carried = signature.filter(({ name, carried }) => carried && !columns.has(name));
  const sample = (index: number) => {
    invariant(index >= 0 && index < length, `sample ${index} of ${length}`);
    const tensors: Record<string, HostTensor> = {};
    for (const [name, column] of columns) tensors[name] = column.at(index);
    if (index % steps === 0) for (const input of carried) tensors[input.name] = zeros(input);
    checkSymbols(tensors, signature, index);
    return tensors;
  };
  return {
    length,
    inputs: [...columns.keys()],
    sample,
    *[Symbol.iterator]() {
      for (let index = 0; index < length; index++) yield sample(index);
    },
  };
}

/** A state before the first step. @throws QcError when its size is not known */
function zeros({ name, dtype, shape, grows }: InputSignature): HostTensor {
  const sizes = shape.map((dim, axis) => {
    if (axis === grows) return 0;
    if (typeof dim === 'number') return dim;
    throw new QcError({
      what: `the size '${dim}' of the state '${name}' is not known`,
      help: `say it with --dim ${dim}=…`,
    });
  });
  return { dtype, shape: sizes, data: new (typedArrayOf(dtype))(elementCount(sizes)) };
}

/** A symbol stands for one size within a sample. */
function checkSymbols(tensors: Record<string, HostTensor>, signature: readonly InputSignature[], index: number): void {
  const sizes = new Map<string, { size: number; name: string }>();
  for (const { name, shape } of signature) {
    for (const [axis, symbol] of shape.entries()) {
      const size = tensors[name]?.shape[axis];
      if (typeof symbol === 'number' || size === undefined) continue;
      const known = sizes.get(symbol);
      if (known && known.size !== size) {
        throw new QcError({
          what: `the dimension '${symbol}' is ${known.size} in input '${known.name}' and ${size} in '${name}'`,
          where: `sample ${index}`,
          why: 'one name stands for one size',
          help: 'give arrays of matching sizes',
        });
      }
      sizes.set(symbol, { size, name });
    }
  }
}

/** Samples of a stream. @throws QcError where inputs differ in it */
function commonSteps(columns: Map<string, Column>, where: string): number {
  const all = [...columns].map(([name, { steps }]) => ({ name, steps }));
  const [first] = all;
  const other = all.find(({ steps }) => steps !== first?.steps);
  if (!first || !other) return first?.steps ?? 1;
  throw new QcError({
    what: `input '${first.name}' has streams of ${first.steps} steps and '${other.name}' of ${other.steps}`,
    where,
    why: 'a state starts anew with each stream',
    help: 'give all arrays the same leading axes',
  });
}

function commonLength(columns: Map<string, Column>, signature: readonly InputSignature[], where: string): number {
  const missing = signature
    .filter(({ name, carried }) => !carried && !columns.has(name))
    .map(({ name }) => `'${name}'`);
  if (missing.length > 0) {
    throw new QcError({
      what: `no samples are given for input ${missing.join(', ')}`,
      where,
      why: 'every input of the model needs its samples',
      help: 'give a .npz file with one array for each input, or NAME=FILE for each',
    });
  }
  const lengths = [...columns].map(([name, column]) => ({ name, length: column.length }));
  const shortest = lengths.reduce((a, b) => (b.length < a.length ? b : a), lengths[0] ?? { name: '', length: 0 });
  const other = lengths.find(({ length }) => length !== shortest.length);
  if (other) {
    throw new QcError({
      what: `input '${shortest.name}' has ${shortest.length} samples and '${other.name}' has ${other.length}`,
      where,
      help: 'give the same number of samples for every input',
    });
  }
  if (shortest.length === 0) throw new QcError({ what: 'the data holds no samples', where, help: 'give at least one' });
  return shortest.length;
}
