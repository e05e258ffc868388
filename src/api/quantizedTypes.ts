import { carriedScheme } from '../../passes/pipelines.ts';
import type { Module } from '../ir/index.ts';
import { exportOnnx as writeOnnx } from '../onnx/index.ts';
import { calibrationContext, withCalibration } from './calibration.ts';
import { chosenScheme, type PrepareOptions } from './compile.ts';
import { bindDimensions } from './dimensions.ts';
import { passes, runPipeline, stagesFor } from './pipeline.ts';
import { declareStates } from './states.ts';

/**
 * Quantizes a model under a scheme, in place, and stops where its types say how numbers are stored and its ops still
 * are those of the model: what `exportOnnx` writes and `print` shows. `compile` goes on from there to integer ops.
 *
 * @throws QcError when the data does not fit the model
 */
export async function quantizeTypes(module: Module, options: PrepareOptions = {}): Promise<void> {
  const { dims = {}, state = {}, keepFloat = [], instruments, report } = options;
  const { recipe, carried } = chosenScheme(module, options);
  await bindDimensions(module, dims, report);
  declareStates(module, state);
  const steps = withCalibration(stagesFor(carried ? carriedScheme : recipe, keepFloat).model, options);
  const end = steps.findIndex(({ pass }) => passes.get(pass).phase === 'integer');
  const { context } = calibrationContext(options);
  await runPipeline(module, end < 0 ? steps : steps.slice(0, end), { ...context, instruments, report });
}

/**
 * A module of the model's own operators as an ONNX file: of an import, or of `quantizeTypes`, whose types become
 * QuantizeLinear and DequantizeLinear around float operators, with the same numbers. The module stays as it is.
 *
 * @throws QcError that names the layer, for an operation without an ONNX operator, for types that QuantizeLinear cannot
 * say, and for a model of more than 2 GB
 */
export function exportOnnx(module: Module): Uint8Array {
  return writeOnnx(module);
}
