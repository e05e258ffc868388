import { attr, defineOp } from '../../src/ir/index.ts';
import type { HostTensor, TypedArray } from '../../src/support/tensor.ts';

/** The constants that kernels read, made from the model's constants at compile time and then folded. */

/** A tensor's elements with its axes in another order. */
function transposed({ shape, data }: HostTensor, order: readonly number[]): TypedArray {
  if (order.every((axis, i) => axis === i)) return data;
  const steps = shape.map((_, i) => shape.slice(i + 1).reduce((n, d) => n * d, 1));
  const result = data.slice();
  let next = 0;
  const visit = (depth: number, from: number): void => {
    const axis = order[depth];
    if (axis === undefined) {
      result[next++] = data[from] as never;
      return;
    }
    for (let i = 0; i < (shape[axis] as number); i++) visit(depth + 1, from + i * (steps[axis] as number));
  };
  visit(0, 0);
  return result;
}

/** A constant operand in the order in which a kernel reads it. */
export const pack = defineOp({
  name: 'kernel.pack',
  summary:
    'Axes taken in `order` and seen as `shape`; then read by digits, outermost first: digit i runs `sizes[i]` times in steps of `steps[i]` along axis `axes[i]`. Zero outside.',
  operands: { x: 'required' },
  attributes: { order: attr.ints(), shape: attr.ints(), axes: attr.ints(), sizes: attr.ints(), steps: attr.ints() },
  domain: 'codes',
  typing: 'declared',
  evaluate({ x }, { order, shape, axes, sizes, steps }) {
    const source = transposed(x, order);
    const strides = shape.map((_, i) => shape.slice(i + 1).reduce((n, d) => n * d, 1));
    const total = sizes.reduce((n, d) => n * d, 1);
    const data = new (x.data.constructor as new (n: number) => TypedArray)(total);
    const below = sizes.map((_, digit) => sizes.slice(digit + 1).reduce((n, d) => n * d, 1));
    const at = shape.map(() => 0);
    let next = 0;
    const visit = (digit: number, from: number): void => {
      if (digit === axes.length) {
        data[next++] = source[from] as never;
        return;
      }
      const [axis, step, count] = [axes[digit] as number, steps[digit] as number, sizes[digit] as number];
      const [before, size, stride] = [at[axis] as number, shape[axis] as number, strides[axis] as number];
      for (let i = 0; i < count; i++) {
        const place = before + i * step;
        if (place < size) {
          at[axis] = place;
          visit(digit + 1, from + i * step * stride);
        } else next += below[digit] as number;
      }
      at[axis] = before;
    };
    visit(0, 0);
    return { dtype: x.dtype, shape: [total], data };
  },
});

/** What accumulators begin with. */
export const start = defineOp({
  name: 'kernel.start',
  summary:
    'For each output, bias − zero_point·Σ weights, each group padded to `padded` with zeros; with `flips`, a second copy follows, 128·Σ weights smaller. `order` puts the output axis of the weights first.',
  operands: { weights: 'required', bias: 'optional' },
  attributes: {
    order: attr.ints(),
    groups: attr.int(),
    padded: attr.int(),
    zero_point: attr.int(0),
    flips: attr.bool(false),
  },
  domain: 'codes',
  typing: 'declared',
  evaluate({ weights, bias }, { order, groups, padded, zero_point, flips }, { results }) {
    const outputs = weights.shape[order[0] as number] as number;
    const data = transposed(weights, order);
    const depth = data.length / outputs;
    const isFloat = results[0]?.element === 'f32';
    const copies = flips ? 2 : 1;
    const count = groups * padded;
    const result = isFloat ? new Float32Array(count) : new Int32Array(copies * count);
    const perGroup = outputs / groups;
    for (let c = 0; c < outputs; c++) {
      let sum = 0;
      if (!isFloat) for (let i = 0; i < depth; i++) sum += data[c * depth + i] as number;
      const at = Math.floor(c / perGroup) * padded + (c % perGroup);
      const begin = ((bias?.data[c] as number | undefined) ?? 0) - zero_point * sum;
      result[at] = begin;
      if (flips) result[count + at] = begin - 128 * sum;
    }
    return { dtype: isFloat ? 'f32' : 'i32', shape: [result.length], data: result };
  },
});

/** What int.interpolate reads of each piece. */
export const pieces = defineOp({
  name: 'kernel.pieces',
  summary: 'For each piece T[i], T[i + 1] − T[i], C[i], E[i], of knots T and bends C and E by turns; without bends 0.',
  operands: { knots: 'required', bends: 'optional' },
  domain: 'codes',
  typing: 'declared',
  evaluate({ knots, bends }) {
    const count = knots.data.length - 1;
    const at = (data: TypedArray | undefined, i: number) => (data?.[i] as number | undefined) ?? 0;
    const data = new Int32Array(4 * count);
    for (let i = 0; i < count; i++) {
      const [from, to] = [at(knots.data, i), at(knots.data, i + 1)];
      data.set([from, to - from, at(bends?.data, 2 * i), at(bends?.data, 2 * i + 1)], 4 * i);
    }
    return { dtype: 'i32', shape: [data.length], data };
  },
});
