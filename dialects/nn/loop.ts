import { attr, defineOp, type TensorType } from '../../src/ir/index.ts';
import { InternalError, QcError } from '../../src/support/diagnostics.ts';
import { type DType, type HostTensor, typedArrayOf } from '../../src/support/tensor.ts';
import { sameArray } from './elements.ts';

/** Most steps of a loop that are run before it counts as endless. */
const stepLimit = 2 ** 24;

/**
 * The region is isolated. Its arguments: the step as i64, the carried values, then the other inputs, which stay the
 * same. Its results: whether to go on, the carried values, then one slice of each collected result.
 */
export const loop = defineOp({
  name: 'nn.loop',
  summary:
    'Runs its region at most `trips` times while the condition holds; results are the first `carried` inputs as the last step leaves them, then the slices that each step gives, stacked.',
  operands: { trips: 'required', condition: 'required', inputs: 'variadic' },
  attributes: { carried: attr.int() },
  results: 'variadic',
  regions: 1,
  domain: 'codes',
  typing: 'declared',
  dataDependent: true,
  verify({ inputs }, { carried }, op) {
    if (carried >= 0 && carried <= Math.min(inputs.length, op.results.length)) return;
    throw new QcError({
      what: `carried = ${carried} with ${inputs.length} inputs and ${op.results.length} results`,
      why: 'the carried values are the first inputs and the first results',
    });
  },
  evaluate({ trips, condition, inputs }, { carried }, { results, regions }) {
    const [region] = regions;
    if (!region) throw new InternalError('nn.loop has no region');
    const fixed = inputs.slice(carried);
    let values = inputs.slice(0, carried);
    const collected: HostTensor[][] = results.slice(carried).map(() => []);
    let goesOn = Boolean(condition.data[0]);
    const limit = Number(trips.data[0]);
    for (let i = 0; goesOn && i < limit; i++) {
      if (i === stepLimit) {
        throw new QcError({ what: `the loop still runs after ${stepLimit} steps`, help: 'check its condition' });
      }
      const step: HostTensor = { dtype: 'i64', shape: [], data: BigInt64Array.of(BigInt(i)) };
      const [next, ...given] = region([step, ...values, ...fixed]);
      goesOn = Boolean(next?.data[0]);
      values = given.slice(0, carried);
      collected.forEach((slices, k) => {
        slices.push(given[carried + k] as HostTensor);
      });
    }
    return [...values, ...collected.map((slices, k) => stack(slices, results[carried + k] as TensorType))];
  },
});

/** Tensors of one shape along a new first axis; none give an empty tensor of the declared type. */
function stack(slices: readonly HostTensor[], type: TensorType): HostTensor {
  const [first] = slices;
  if (!first) {
    const shape = [0, ...type.shape.slice(1).map((dim) => (typeof dim === 'number' ? dim : 0))];
    const dtype = type.element as DType;
    return { dtype, shape, data: new (typedArrayOf(dtype))(0) };
  }
  const size = first.data.length;
  const data = sameArray(first, size * slices.length) as Float64Array;
  slices.forEach((slice, i) => {
    if (slice.shape.join() !== first.shape.join()) {
      throw new QcError({
        what: `step ${i} of the loop gives [${slice.shape.join(', ')}], the first [${first.shape.join(', ')}]`,
        why: 'the slices that a loop collects have one shape',
      });
    }
    data.set(slice.data as Float64Array, i * size);
  });
  return { dtype: first.dtype, shape: [slices.length, ...first.shape], data };
}
