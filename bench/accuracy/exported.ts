import { InferenceSession, Tensor } from 'onnxruntime-node';
import { exportOnnx, type Module, quantizeTypes, type Recipe, type Sample, type SchemeName } from '../../src/index.ts';
import type { DType, HostTensor } from '../../src/support/tensor.ts';
import type { Task } from './task.ts';

/** A quantized model as ONNX, run by onnxruntime as it runs it by default; states go on from sample to sample. */
export interface Exported {
  run(inputs: Sample): Promise<Readonly<Record<string, HostTensor>>>;
}

const types: Readonly<Partial<Record<DType, 'float32' | 'int64' | 'int32'>>> = {
  f32: 'float32',
  i64: 'int64',
  i32: 'int32',
};

export async function exportedModel(
  { dims = {}, state = {} }: Task,
  module: Module,
  scheme: SchemeName | Recipe,
  calibration: readonly Sample[],
): Promise<Exported> {
  await quantizeTypes(module, { scheme, calibration, dims });
  const session = await InferenceSession.create(exportOnnx(module), { logSeverityLevel: 3 });
  let carried: Sample = {};
  return {
    async run(inputs) {
      const given = Object.entries({ ...carried, ...inputs }).filter(([name]) => session.inputNames.includes(name));
      const feeds = given.map(([name, { dtype, data, shape }]): [string, Tensor] => [
        name,
        new Tensor(types[dtype] ?? 'float32', data as Float32Array, shape),
      ]);
      const answers = await session.run(Object.fromEntries(feeds));
      const outputs = Object.entries(answers).map(([name, { data, dims: shape }]): [string, HostTensor] => [
        name,
        { dtype: 'f32', shape, data: data as Float32Array },
      ]);
      const named = Object.fromEntries(outputs);
      carried = Object.fromEntries(Object.entries(state).map(([from, to]) => [to, named[from] as HostTensor]));
      return named;
    },
  };
}
