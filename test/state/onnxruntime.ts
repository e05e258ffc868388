import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { HostTensor } from '../../src/support/tensor.ts';

export type Tensors = Readonly<Record<string, HostTensor>>;

const types = { f32: 'float32', i64: 'int64', i32: 'int32' } as const;
const dtypes = { float32: 'f32', int64: 'i64', int32: 'i32' } as const;

/** A model in onnxruntime: its bytes, or its path where files lie beside it. */
export async function session(
  model: Uint8Array | string,
): Promise<(inputs: Tensors) => Promise<Record<string, HostTensor>>> {
  const options = { intraOpNumThreads: 1, logSeverityLevel: 3 } as const;
  const made = await (typeof model === 'string'
    ? InferenceSession.create(model, options)
    : InferenceSession.create(model, options));
  return async (inputs) => {
    const given = Object.entries(inputs).map(([name, { dtype, data, shape }]): [string, Tensor] => [
      name,
      new Tensor(types[dtype as keyof typeof types], data as Float32Array, [...shape]),
    ]);
    const results = await made.run(Object.fromEntries(given));
    return Object.fromEntries(
      Object.entries(results).map(([name, { type, dims, data }]): [string, HostTensor] => [
        name,
        { dtype: dtypes[type as keyof typeof dtypes], shape: [...dims], data: data as Float32Array },
      ]),
    );
  };
}

/** The largest difference as a share of the expected values' largest magnitude. */
export function relativeError({ data }: HostTensor, expected: HostTensor): number {
  let [worst, largest] = [0, 1e-30];
  expected.data.forEach((wanted, i) => {
    const difference = Math.abs(Number(wanted) - Number(data[i]));
    worst = Math.max(worst, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
    largest = Math.max(largest, Math.abs(Number(wanted)));
  });
  return data.length === expected.data.length ? worst / largest : Number.POSITIVE_INFINITY;
}
