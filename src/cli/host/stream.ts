import type { CPort, CSignature } from '../../../backends/c/signature.ts';
import { isChosen, isFound, nextSizes, shapeIn } from '../../../backends/c/sizes.ts';
import { QcError } from '../../support/diagnostics.ts';
import { bytesOfTensor, elementBytes, elementCount, type HostTensor, viewBytes } from '../../support/tensor.ts';

/** What goes to a program run by run and comes from it, with the sizes that its context keeps. */
export class NativeStream {
  readonly #signature: CSignature;
  #kept: ReadonlyMap<string, number>;
  readonly #runs: ReadonlyMap<string, number>[] = [];

  constructor(signature: CSignature) {
    this.#signature = signature;
    this.#kept = new Map(signature.sizes.flatMap(({ name, min, grows }) => (grows ? [[name, min]] : [])));
  }

  /** The bytes that the program reads for a run: sizes as i32, and inputs. @throws QcError when an input does not fit */
  next(tensors: readonly HostTensor[]): { readonly sizes: Uint8Array; readonly inputs: readonly Uint8Array[] } {
    const { sizes, inputs } = this.#signature;
    const values = new Map(this.#kept);
    inputs.forEach((port, i) => {
      port.sizes?.forEach((size, axis) => {
        if (typeof size === 'string' && !values.has(size)) values.set(size, tensors[i]?.shape[axis] ?? 0);
      });
    });
    const chosen = sizes.filter(isChosen).map(({ name }) => values.get(name) ?? 0);
    const bytes = inputs.map((port, i) => inputBytes(port, shapeIn(port, values), tensors[i]));
    this.#runs.push(new Map([...values, ...sizes.filter(isFound).map(({ name, max }) => [name, max] as const)]));
    const next = nextSizes(sizes, values);
    this.#kept = new Map([...this.#kept.keys()].map((name) => [name, next.get(name) ?? 0]));
    return { sizes: new Uint8Array(Int32Array.from(chosen).buffer), inputs: bytes };
  }

  /** Bytes of what the next run that was not read yet writes: its outputs, and the sizes that data have decided. */
  get streams(): readonly number[] {
    const { outputs, sizes } = this.#signature;
    const values = this.#runs[0] ?? new Map();
    const found = sizes.filter(isFound).length;
    return [
      ...outputs.map((port) => bytesOf(port, shapeIn(port, values))),
      ...(found > 0 ? [found * Int32Array.BYTES_PER_ELEMENT] : []),
    ];
  }

  get bytes(): number {
    return this.streams.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** The outputs of that run: `take` gives the bytes of stream number `i`. */
  read(take: (bytes: number, i: number) => Uint8Array): HostTensor[] {
    const { outputs, sizes } = this.#signature;
    const data = this.streams.map(take);
    const words = new Int32Array((data[outputs.length] ?? new Uint8Array(0)).slice().buffer);
    const found = sizes.filter(isFound).map(({ name }, i): [string, number] => [name, words[i] as number]);
    const values = new Map([...(this.#runs.shift() ?? []), ...found]);
    return outputs.map((port, i) => {
      const shape = shapeIn(port, values);
      const bytes = (data[i] as Uint8Array).slice(0, bytesOf(port, shape));
      return { dtype: port.dtype, shape, data: viewBytes(port.dtype, bytes) };
    });
  }
}

const bytesOf = ({ dtype }: CPort, shape: readonly number[]): number => elementCount(shape) * elementBytes(dtype);

function inputBytes(port: CPort, shape: readonly number[], tensor: HostTensor | undefined): Uint8Array {
  const wanted = bytesOf(port, shape);
  const bytes = tensor && bytesOfTensor(tensor);
  if (bytes?.length === wanted) return bytes;
  throw new QcError({
    what: bytes ? `input '${port.name}' has ${bytes.length} bytes, not ${wanted}` : `input '${port.name}' is missing`,
    why: `it has shape [${shape.join(', ')}] and elements of type ${port.dtype}`,
  });
}
