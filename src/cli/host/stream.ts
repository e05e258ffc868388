import type { CPort, CSignature } from '../../../backends/c/signature.ts';
import { isChosen, nextSizes, shapeIn } from '../../../backends/c/sizes.ts';
import { QcError } from '../../support/diagnostics.ts';
import { bytesOfTensor, elementBytes, elementCount, type HostTensor, viewBytes } from '../../support/tensor.ts';

/** What goes to a program run by run and comes from it, with the sizes that its context keeps. */
export class NativeStream {
  readonly #signature: CSignature;
  #kept: ReadonlyMap<string, number>;
  readonly #shapes: (readonly (readonly number[])[])[] = [];

  constructor(signature: CSignature) {
    this.#signature = signature;
    this.#kept = new Map(signature.sizes.flatMap(({ name, min, grows }) => (grows ? [[name, min]] : [])));
  }

  /** The bytes that the program reads for a run: sizes as i32, and inputs. @throws QcError when an input does not fit */
  next(tensors: readonly HostTensor[]): { readonly sizes: Uint8Array; readonly inputs: readonly Uint8Array[] } {
    const { sizes, inputs, outputs } = this.#signature;
    const values = new Map(this.#kept);
    inputs.forEach((port, i) => {
      port.sizes?.forEach((size, axis) => {
        if (typeof size === 'string' && !values.has(size)) values.set(size, tensors[i]?.shape[axis] ?? 0);
      });
    });
    const chosen = sizes.filter(isChosen).map(({ name }) => values.get(name) ?? 0);
    const bytes = inputs.map((port, i) => inputBytes(port, shapeIn(port, values), tensors[i]));
    this.#shapes.push(outputs.map((port) => shapeIn(port, values)));
    const next = nextSizes(sizes, values);
    this.#kept = new Map([...this.#kept.keys()].map((name) => [name, next.get(name) ?? 0]));
    return { sizes: new Uint8Array(Int32Array.from(chosen).buffer), inputs: bytes };
  }

  /** Bytes of all outputs of the next run that was not read yet. */
  get bytes(): number {
    const shapes = this.#shapes[0] ?? [];
    return shapes.reduce((sum, shape, i) => sum + bytesOf(this.#signature.outputs[i] as CPort, shape), 0);
  }

  /** The outputs of that run: `take` gives the bytes of output number `i`. */
  read(take: (bytes: number, i: number) => Uint8Array): HostTensor[] {
    const shapes = this.#shapes.shift() ?? [];
    return shapes.map((shape, i) => {
      const port = this.#signature.outputs[i] as CPort;
      return { dtype: port.dtype, shape: [...shape], data: viewBytes(port.dtype, take(bytesOf(port, shape), i)) };
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
