import { registry } from '../../dialects/index.ts';
import { fused } from '../../dialects/nn/fused.ts';
import type { Dataset } from '../calibrate/data/index.ts';
import { fromReals, interpret, Recollection, toReals } from '../interpret/index.ts';
import { isInteger, type Module, type Op, quantOf, storageOf, type TensorType, type Value } from '../ir/index.ts';
import {
  type Instrument,
  type Interpret,
  numbersOf,
  type RunHooks,
  type Sample,
  type Values,
  verifySemantics,
} from '../pass/index.ts';
import { InternalError, QcError } from '../support/diagnostics.ts';
import type { HostTensor } from '../support/tensor.ts';

/** Samples on which --verify-semantics compares. */
const comparedSamples = 2;

/**
 * A pass that does not keep its promise is a bug of qc, not of the model. Once there are kernels the interpreter has
 * no more say: compile compares the finished program with it.
 */
export function semantics(data: Dataset | undefined): Instrument {
  const count = Math.min(comparedSamples, data?.length ?? 0);
  const inputs = data && Array.from({ length: count }, (_, i) => data.sample(i));
  const instrument = verifySemantics({ interpret: interpretInReals(), registry, ...(inputs ? { inputs } : {}) });
  return {
    async before(run, module) {
      if (!module.hasKernels) await instrument.before?.(run, module);
    },
    async after(run, module, milliseconds) {
      if (module.hasKernels) return;
      try {
        await instrument.after?.(run, module, milliseconds);
      } catch (error) {
        throw error instanceof QcError ? new InternalError(error.message) : error;
      }
    },
    failed: (run, module, error) => instrument.failed?.(run, module, error),
  };
}

/**
 * The interpreter, with real numbers at both ends where the module has codes. What a pass has left as it was is not
 * computed again.
 */
function interpretInReals(): Interpret {
  const recollections = new WeakMap<Sample, Recollection>();
  return (module, sample, hooks) => {
    const recollection = recollections.get(sample) ?? new Recollection();
    recollections.set(sample, recollection);
    return inReals(module, sample, hooks, hooks.replace ? undefined : recollection);
  };
}

function inReals(
  module: Module,
  sample: Sample,
  { observe, replace }: RunHooks,
  recollection: Recollection | undefined,
): Record<string, HostTensor> {
  const outputs = interpret(module, withCodes(module, sample), {
    sums: 'f64',
    ...(recollection ? { recollection } : {}),
    observe(op, tensor, index) {
      if (isSeen(op, index)) observe?.(op, () => valuesOf(op, tensor));
    },
    replace(op, tensor, index) {
      if (!isSeen(op, index)) return undefined;
      const given = replace?.(op, () => valuesOf(op, tensor));
      return given && storedAs(op, tensor, given);
    },
  });
  const { main } = module;
  return Object.fromEntries(
    Object.entries(outputs).map(([name, tensor]): [string, HostTensor] => {
      const type = quantizedType(main.body.last?.operands[main.resultNames.indexOf(name)]);
      if (!type) return [name, tensor];
      const reals = toReals(tensor, type).data as Float64Array;
      return [name, { dtype: 'f32', shape: tensor.shape, data: Float32Array.from(reals) }];
    }),
  );
}

/** Whether a result is a layer's: of the ops inside of fused ones, and not of these. */
const isSeen = (op: Op, index: number): boolean =>
  index === 0 && op.results[0]?.type.kind === 'tensor' && !fused.is(op);

function valuesOf(op: Op, tensor: HostTensor): Values {
  const type = op.results[0]?.type as TensorType;
  const reals = numbersOf(toReals(tensor, type));
  if (!isInteger(storageOf(type.element))) return { reals };
  return { reals, codes: quantOf(type) ? numbersOf(tensor) : reals };
}

/** Values as the result of an op stores them, like `tensor`. */
function storedAs(op: Op, { dtype, shape, data }: HostTensor, { reals, codes }: Values): HostTensor {
  const type = op.results[0]?.type as TensorType;
  if (!isInteger(storageOf(type.element))) return fromReals({ dtype: 'f64', shape, data: reals }, type, 'f32');
  const stored = data.slice();
  for (let i = 0; i < stored.length; i++) {
    const code = (codes ?? reals)[i] as number;
    stored[i] = stored instanceof BigInt64Array || stored instanceof BigUint64Array ? BigInt(code) : code;
  }
  return { dtype, shape, data: stored };
}

/** The sample, rounded to codes where an argument takes those. */
function withCodes(module: Module, sample: Sample): Sample {
  const types = new Map(module.main.body.args.map((arg) => [arg.name, quantizedType(arg)]));
  return Object.fromEntries(
    Object.entries(sample).map(([name, tensor]): [string, HostTensor] => {
      const type = types.get(name);
      return [name, type && tensor.dtype === 'f32' ? fromReals(tensor, type, 'f32') : tensor];
    }),
  );
}

function quantizedType(value: Value | undefined): TensorType | undefined {
  return value?.type.kind === 'tensor' && quantOf(value.type) ? value.type : undefined;
}
