import type { HostTensor, TypedArray } from '../../src/support/tensor.ts';
import type { Inputs, Outputs, Runner } from '../runner.ts';

/** Bytes of a model, and of the files beside it that it names. */
export interface OnnxFiles {
  readonly bytes: Uint8Array;
  readonly external?: readonly { readonly path: string; readonly data: Uint8Array }[];
}

/** What onnxruntime calls element types. */
const typeNames: Readonly<Record<string, string>> = {
  f32: 'float32',
  i64: 'int64',
  i32: 'int32',
  u8: 'uint8',
  i8: 'int8',
  bool: 'bool',
};

interface Tensor {
  readonly data: unknown;
}

/** A session of either of onnxruntime's JavaScript packages, as far as it is used here. */
interface Session {
  readonly inputNames: readonly string[];
  run(feeds: never): Promise<Readonly<Record<string, Tensor>>>;
}

/** Runs a session on this project's tensors. Inputs that it doesn't know are left out. */
export function sessionRunner(
  name: string,
  session: Session,
  tensor: (type: never, data: never, shape: readonly number[]) => Tensor,
): Runner {
  const known = new Set(session.inputNames);
  const given = ({ dtype, data, shape }: HostTensor) =>
    tensor((typeNames[dtype] ?? dtype) as never, data as never, shape);
  return {
    name,
    async run(inputs: Inputs): Promise<Outputs> {
      const feeds: Record<string, Tensor> = {};
      for (const [key, value] of Object.entries(inputs)) if (known.has(key)) feeds[key] = given(value);
      const results = await session.run(feeds as never);
      return Object.fromEntries(Object.entries(results).map(([key, { data }]) => [key, data as TypedArray]));
    },
  };
}
