import { addDim, attr, type Dim, defineOp, type TensorType, tensor, type Value } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { elementCount, type HostTensor } from '../../src/support/tensor.ts';
import { moveQuantAxis, normalAxis } from './axes.ts';
import { sameArray } from './elements.ts';

export const concat = defineOp({
  name: 'nn.concat',
  summary: 'The operands one after the other along an axis.',
  operands: { xs: 'variadic' },
  attributes: { axis: attr.int() },
  typing: 'moves',
  infer({ xs }, { axis }) {
    const [first] = xs;
    if (!first) throw new QcError({ what: 'there is nothing to concatenate', help: 'export the model again' });
    const at = normalAxis(axis, first.shape.length);
    for (const x of xs) checkAlike(first, x, at);
    const size = xs.map((x) => x.shape[at] as Dim).reduce(addDim);
    const shape = first.shape.map((dim, i) => xs.map((x) => x.shape[i]).find(isNumber) ?? dim);
    return tensor(
      shape.with(at, size),
      moveQuantAxis(first, (a) => (a === at ? undefined : a)),
      first.layout,
    );
  },
  evaluate: ({ xs }, { axis }) => joined(xs, axis),
  lower: { kind: 'template', template: 'concat' },
  onnx: [
    {
      op: 'Concat',
      build(node): Value {
        const xs = Array.from({ length: node.inputCount }, (_, i) => node.input(i));
        const axis = node.opset < 4 ? node.int('axis', 1) : node.int('axis');
        return node.create(concat, { xs }, { axis: normalAxis(axis, (node.input(0).type as TensorType).shape.length) })
          .result;
      },
    },
  ],
  toOnnx: (writer, { xs }, { axis }) => writer.node('Concat', xs, { int: { axis } }),
});

/** Tensors one after the other along an axis. @throws QcError where their other sizes differ */
export function joined(xs: readonly HostTensor[], axis: number): HostTensor {
  const [first] = xs as readonly [HostTensor];
  const at = normalAxis(axis, first.shape.length);
  const size = xs.reduce((n, x) => n + (x.shape[at] as number), 0);
  const shape = first.shape.with(at, size);
  const data = sameArray(first, elementCount(shape)) as Float64Array;
  const outer = elementCount(shape.slice(0, at));
  const inner = elementCount(shape.slice(at + 1));
  let place = 0;
  for (const x of xs) {
    if (x.data.length !== outer * inner * (x.shape[at] as number)) throw misfit(first, x, at);
    const chunk = (x.shape[at] as number) * inner;
    for (let o = 0; o < outer; o++) {
      data.set((x.data as Float64Array).subarray(o * chunk, (o + 1) * chunk), o * size * inner + place);
    }
    place += chunk;
  }
  return { dtype: first.dtype, shape, data };
}

const isNumber = (dim: Dim | undefined) => typeof dim === 'number';

function checkAlike(first: TensorType, x: TensorType, axis: number): void {
  const alike =
    x.shape.length === first.shape.length &&
    // Symbols that differ may still stand for one size: the evaluation checks.
    x.shape.every((dim, i) => i === axis || dim === first.shape[i] || !isNumber(dim) || !isNumber(first.shape[i]));
  if (!alike) throw misfit(first, x, axis);
  if (x.element !== first.element) {
    throw new QcError({ what: `tensors of ${first.key} and ${x.key} cannot be joined`, why: 'their elements differ' });
  }
}

function misfit(first: TensorType | HostTensor, x: TensorType | HostTensor, axis: number): QcError {
  return new QcError({
    what: `[${first.shape.join(', ')}] and [${x.shape.join(', ')}] cannot be joined along axis ${axis}`,
    why: 'all other dimensions must be equal',
    help: 'check the shapes of the inputs and of the model',
  });
}
