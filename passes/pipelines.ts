/** From an imported model to one that is ready to be quantized or compiled in float. */
const float = [
  'bind-dims',
  'fold-constants',
  'canonicalize',
  'recognize-activations',
  'fold-batch-norm',
  'fold-affine',
  'fuse-clamp',
] as const;

/** Static 8-bit weights and activations; what has no integer form stays float. */
const w8a8 = [
  ...float,
  'insert-observers',
  'calibrate{observer=lp}',
  'quantize{weights=i8, activations=i8}',
  'to-integer',
  'expand-dcast',
] as const;

/** Pipelines by the name of their scheme, as lists of pass texts, up to what every target shares. */
export const pipelines: Readonly<Record<string, readonly string[]>> = { float, w8a8 };

/** From a graph of nn and int ops to a planned program of kernels. */
const lowering = [
  'require-static',
  'decompose',
  'float-rescale',
  'uniform-shift',
  'explicit-padding',
  'choose-layout',
  'fuse-epilogues',
  'lower-kernels',
  'fold-packing',
  'bufferize',
] as const;

/** The pipeline that compiles an imported model under a scheme, as text. */
export function pipelineFor(scheme: string): string {
  return [...(pipelines[scheme] ?? []), ...lowering].join(',');
}
