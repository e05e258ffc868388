import type { States } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { floats, modelOf, node, type Port } from './model.ts';
import { session, type Tensors } from './onnxruntime.ts';

const ints = (name: string, values: number[]) => ({ name, type: 'ints' as const, value: values.map(BigInt) });
export const axis = (value: number) => [{ name: 'axis', type: 'int' as const, value: BigInt(value) }];

/** Attention of two heads over what came before: x [1, 2, T, W], keys and values [1, 2, P, W], scores also of the past alone. */
export function attentionModel(width: number, spread = 1): Uint8Array {
  const spreading = (seed: number): HostTensor => {
    const { data, ...weights } = floats([width, width], seed);
    return { ...weights, data: Float32Array.from(data as Float32Array, (w, i) => (i % width === 0 ? spread * w : w)) };
  };
  const inputs: Port[] = [
    ['x', 'f32', [1, 2, 'T', width]],
    ['past_k', 'f32', [1, 2, 'P', width]],
    ['past_v', 'f32', [1, 2, 'P', width]],
  ];
  const outputs: Port[] = [
    ['y', 'f32', [1, 2, 'T', width]],
    ['old', 'f32', [1, 2, 1, width]],
    ['scores', 'f32', [1, 2, 'T', 'S']],
    ['present_k', 'f32', [1, 2, 'S', width]],
    ['present_v', 'f32', [1, 2, 'S', width]],
  ];
  return modelOf(
    [
      node('MatMul', ['x', 'wk'], ['k']),
      node('MatMul', ['x', 'wv'], ['v']),
      node('Concat', ['past_k', 'k'], ['present_k'], axis(2)),
      node('Concat', ['past_v', 'v'], ['present_v'], axis(-2)),
      node('Transpose', ['present_k'], ['kt'], [ints('perm', [0, 1, 3, 2])]),
      node('MatMul', ['x', 'kt'], ['scores']),
      node('Softmax', ['scores'], ['weights'], axis(-1)),
      node('MatMul', ['weights', 'present_v'], ['y']),
      node('ReduceSum', ['past_v', 'rows'], ['old']),
    ],
    inputs,
    outputs,
    {
      wk: spreading(3),
      wv: spreading(4),
      rows: { dtype: 'i64', shape: [1], data: BigInt64Array.of(2n) },
    },
  );
}

export const bytes = attentionModel(3);
export const grows = (max: number): States => ({
  present_k: { input: 'past_k', append: { axis: 2, max } },
  present_v: { input: 'past_v', append: { axis: -2, max } },
});
export const empty: HostTensor = { dtype: 'f32', shape: [1, 2, 0, 3], data: new Float32Array(0) };

/** What onnxruntime answers when every state is handed back to it. */
export async function expected(xs: readonly HostTensor[], model = bytes): Promise<Record<string, HostTensor>[]> {
  const run = await session(model);
  const begun = { ...empty, shape: [1, 2, 0, xs[0]?.shape[3] as number] };
  let past: Tensors = { past_k: begun, past_v: begun };
  const answers: Record<string, HostTensor>[] = [];
  for (const x of xs) {
    const results = await run({ x, ...past });
    answers.push(results);
    past = { past_k: results.present_k as HostTensor, past_v: results.present_v as HostTensor };
  }
  return answers;
}
