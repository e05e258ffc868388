import { registry } from '../../dialects/index.ts';
import { allPasses } from '../../passes/index.ts';
import { pipelines } from '../../passes/pipelines.ts';
import { wasmProbe } from '../../src/api/probe.ts';
import { interpret } from '../../src/interpret/index.ts';
import type { Module } from '../../src/ir/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import { runPipeline } from '../../src/pass/index.ts';
import type { SchemeName } from '../../src/scheme/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

/** The model after the passes of a scheme. */
export async function compileScheme(
  bytes: Uint8Array,
  scheme: readonly string[] | SchemeName,
  samples: Iterable<HostTensor> = [],
  report: (line: string) => void = () => {},
): Promise<Module> {
  const module = importOnnx(bytes, { registry });
  const name = module.main.body.args[0]?.name as string;
  const calibration = {
    *[Symbol.iterator]() {
      for (const sample of samples) yield { [name]: sample };
    },
  };
  const passes = typeof scheme === 'string' ? pipelines[scheme] : scheme;
  await runPipeline(module, passes.join(','), {
    passes: allPasses,
    registry,
    context: { calibration, probe: wasmProbe, report },
  });
  return module;
}

/** The first output of a model of one input. */
export function runModel(module: Module, input: HostTensor): ArrayLike<number> {
  const name = module.main.body.args[0]?.name as string;
  const outputs = interpret(module, { [name]: input });
  return (outputs[module.main.resultNames[0] as string] as HostTensor).data as Float32Array;
}

/** Index of the largest value; the first one of equals. */
export function argMax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}

/** How well a quantized model does beside the float one. */
export interface Quality {
  readonly samples: number;
  /** 10·log10(Σ ref² / Σ (ref − out)²) over all outputs. */
  readonly snr: number;
  /** Share of samples with the same largest output. */
  readonly agreement: number;
  /** Share of samples classified right, where there are labels. */
  readonly floatAccuracy: number;
  readonly accuracy: number;
}

export function measure(
  float: Module,
  quantized: Module,
  samples: readonly { input: HostTensor; label: number | undefined }[],
): Quality {
  let signal = 0;
  let noise = 0;
  const right = { same: 0, float: 0, quantized: 0 };
  for (const { input, label } of samples) {
    const reference = runModel(float, input);
    const output = runModel(quantized, input);
    for (let i = 0; i < reference.length; i++) {
      signal += (reference[i] as number) ** 2;
      noise += ((reference[i] as number) - (output[i] as number)) ** 2;
    }
    const [expected, found] = [argMax(reference), argMax(output)];
    if (expected === found) right.same++;
    if (expected === label) right.float++;
    if (found === label) right.quantized++;
  }
  const n = samples.length;
  return {
    samples: n,
    snr: 10 * Math.log10(signal / noise),
    agreement: right.same / n,
    floatAccuracy: right.float / n,
    accuracy: right.quantized / n,
  };
}
