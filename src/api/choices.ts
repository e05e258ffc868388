/** Targets that programs can be written for. */
export const targetNames = ['wasm', 'c', 'wgsl', 'cuda'] as const;
export type TargetName = (typeof targetNames)[number];

/** Targets whose kernels have register tiles to tune. */
export const tunedTargets = ['wasm', 'c'] as const satisfies readonly TargetName[];

/** Machines that C is written for: any, by vectors where the compiler has them; those without vectors; or one kind alone. */
export const cpuNames = [
  'generic',
  'scalar',
  'x86-64',
  'haswell',
  'icelake-server',
  'cortex-a53',
  'cortex-a76',
  'neoverse-v1',
  'rv64gcv',
  'cortex-m0plus',
  'cortex-m4',
  'cortex-m55',
] as const;
export type CpuName = (typeof cpuNames)[number];

/** Where weights are: in the program, in a file that the caller loads, or for C in one that the assembler includes. */
export const weightsNames = ['inline', 'external', 'incbin'] as const;
export type WeightsName = (typeof weightsNames)[number];

/** When C chooses its instructions: as it is compiled, or as it runs, on x86. */
export const dispatchNames = ['compiler', 'runtime'] as const;
export type DispatchName = (typeof dispatchNames)[number];

/** What inputs and outputs of a program in integers are: real numbers, or codes. */
export const borderNames = ['float', 'int'] as const;
export type Border = (typeof borderNames)[number];

/** What `evaluate` measures: against labels or objects, or against the float model. */
export const metricNames = ['top1', 'top5', 'snr', 'mse', 'agreement', 'perplexity', 'auc', 'map50'] as const;
export type MetricName = (typeof metricNames)[number];
