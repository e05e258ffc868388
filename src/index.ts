/**
 * The public API: free of the file system, so that it also runs in a web page.
 *
 * @example
 * const module = importOnnx(bytes);
 * const { files } = await compile(module, { target: 'wasm', scheme: 'w8a8', calibration: samples });
 * const instance = await instantiate(files);
 * const { output } = instance.run({ input: { dtype: 'f32', shape: [1, 28, 28, 1], data } });
 */
export { registry } from '../dialects/index.ts';
export {
  type MetricName,
  metricNames,
  type TargetName,
  targetNames,
} from './api/choices.ts';
export { type Artifact, type CompileOptions, compile, type PrepareOptions } from './api/compile.ts';
export { type DiagnoseOptions, type Diagnosis, diagnose, type LayerDiagnosis } from './api/diagnose.ts';
export type { Dimensions } from './api/dimensions.ts';
export { type EvaluateOptions, type Evaluation, evaluate, type SchemeEvaluation } from './api/evaluate.ts';
export { type ExplainOptions, type Explanation, explain } from './api/explain/explain.ts';
export type { LaunchExplanation } from './api/explain/launches.ts';
export type { LayerExplanation } from './api/explain/layers.ts';
export {
  type DeviceInstance,
  type Instance,
  type InstantiateOptions,
  instantiate,
  instantiateOnDevice,
} from './api/instantiate.ts';
export type { LayerQuantization, Quantization, QuantizationSummary } from './api/layers.ts';
export { type Manifest, readManifest } from './api/manifest.ts';
export type { Estimate } from './api/measure/bootstrap.ts';
export type { Fidelity } from './api/measure/noise.ts';
export type { DetectionOutputs } from './api/measure/scenes.ts';
export { type PipelineOptions, passes, runPipeline } from './api/pipeline.ts';
export { type LaunchProfile, type Profile, type ProfileOptions, profile, profileOnDevice } from './api/profile.ts';
export { type Quantized, type QuantizeOptions, quantize } from './api/quantize.ts';
export { exportOnnx, quantizeTypes } from './api/quantizedTypes.ts';
export { importOnnx, parse, print } from './api/read.ts';
export { gatherReport, type Report, type ReportOptions } from './api/report/report.ts';
export type { SelfTest } from './api/selfTest.ts';
export { inputSignature, type Signature, signatureOf, type TensorSignature } from './api/signature.ts';
export { boundStates, declareStates, type StateOptions, type States } from './api/states.ts';
export type { FloatOperation, Work } from './api/work.ts';
export { type ZeroShotOptions, zeroShotSamples } from './api/zeroShot.ts';
export * from './calibrate/data/index.ts';
export { type InterpretOptions, interpret, type Tensors } from './interpret/index.ts';
export type { Module } from './ir/index.ts';
export type { ImportOptions } from './onnx/index.ts';
export {
  definePass,
  defineRewritePass,
  type Instrument,
  type Pass,
  PassRegistry,
  type Preserves,
  type Sample,
} from './pass/index.ts';
export { defineConfig, type Recipe, type SchemeName, schemeNames } from './scheme/index.ts';
export { QcError } from './support/diagnostics.ts';
export type { Limits } from './support/limits.ts';
export type { DType, HostTensor, TypedArray } from './support/tensor.ts';
