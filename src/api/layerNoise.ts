import { interpret, toReals } from '../interpret/index.ts';
import type { Module, Op, TensorType } from '../ir/index.ts';
import { numbersOf, type Sample } from '../pass/index.ts';
import { Noise } from './measure/noise.ts';

/** What each layer gives in float, by the model's own name of its node: that of its last op. */
export type LayerValues = ReadonlyMap<string, ArrayLike<number>>;

/** The real numbers that each op of a module gives on a sample, in the order of evaluation. */
function* realsOf(module: Module, sample: Sample): Generator<readonly [Op, ArrayLike<number>]> {
  const found: (readonly [Op, ArrayLike<number>])[] = [];
  interpret(module, sample, {
    observe(op, tensor, index) {
      const type = op.results[index]?.type;
      if (index === 0 && type?.kind === 'tensor') found.push([op, numbersOf(toReals(tensor, type as TensorType))]);
    },
  });
  yield* found;
}

/** Runs a module and keeps what its layers give. */
export function layerValues(module: Module, sample: Sample): LayerValues {
  return new Map(
    [...realsOf(module, sample)].filter(([op]) => op.source !== '').map(([op, reals]) => [op.source, reals]),
  );
}

/**
 * The signal-to-noise ratio, in dB, of the last op of every layer against what the layer gave before: infinite where
 * nothing differs. Layers that are new, or give another number of elements, are left out.
 */
export function noiseByOp(module: Module, sample: Sample, reference: LayerValues): Map<Op, number> {
  const last = new Map<string, readonly [Op, ArrayLike<number>]>();
  for (const pair of realsOf(module, sample)) last.set(pair[0].source, pair);
  const noise = new Map<Op, number>();
  for (const [source, [op, reals]] of last) {
    const expected = reference.get(source);
    if (expected?.length !== reals.length) continue;
    const sums = new Noise();
    sums.add(expected, reals);
    noise.set(op, sums.fidelity.snr);
  }
  return noise;
}
