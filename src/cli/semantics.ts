import { registry } from '../../dialects/index.ts';
import { fused } from '../../dialects/nn/fused.ts';
import type { Dataset } from '../calibrate/data/index.ts';
import { fromReals, interpret, toReals } from '../interpret/index.ts';
import { isInteger, type Module, quantOf, storageOf, type TensorType, type Value } from '../ir/index.ts';
import { type Instrument, type Interpret, numbersOf, type Sample, verifySemantics } from '../pass/index.ts';
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
  const instrument = verifySemantics({ interpret: inReals, registry, ...(inputs ? { inputs } : {}) });
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

/** The interpreter, with real numbers at both ends where the module has codes. */
const inReals: Interpret = (module, sample, observe) => {
  const outputs = interpret(module, withCodes(module, sample), {
    observe(op, tensor, index) {
      const type = op.results[index]?.type;
      // the ops inside have been seen
      if (index > 0 || type?.kind !== 'tensor' || fused.is(op)) return;
      observe(op, () => {
        const reals = numbersOf(toReals(tensor, type));
        if (!isInteger(storageOf(type.element))) return { reals };
        return { reals, codes: quantOf(type) ? numbersOf(tensor) : reals };
      });
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
};

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
