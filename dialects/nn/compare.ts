import {
  type BodyBuilder,
  defineOp,
  type OnnxMapping,
  type OnnxNode,
  type TypedOp,
  type Value,
  withElement,
} from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { pairOf } from './alignment.ts';
import type { BinaryOp } from './binary.ts';
import { broadcastAll, commonElement, elementwiseType } from './broadcast.ts';
import { toF64, truths } from './elements.ts';

type Elements = readonly (number | bigint)[];

function evaluateTruth(
  a: HostTensor,
  b: HostTensor,
  f: (x: number | bigint, y: number | bigint) => boolean,
): HostTensor {
  const { shape, operands } = broadcastAll([a, b]);
  const [x, y] = operands.map((t) => t.data as unknown as Elements) as [Elements, Elements];
  const data = new Uint8Array(x.length);
  for (let i = 0; i < data.length; i++) data[i] = f(x[i] as number, y[i] as number) ? 1 : 0;
  return truths(shape, data);
}

interface TruthSpec {
  readonly name: string;
  readonly summary: string;
  readonly onnx: string;
  readonly holds: (a: number | bigint, b: number | bigint) => boolean;
  readonly body: (k: BodyBuilder, a: Value, b: Value) => Value;
}

function truth({ name, summary, onnx, holds, body }: TruthSpec): BinaryOp {
  const build = (node: OnnxNode): Value => node.create(op, pairOf(node)).result;
  const mapping: OnnxMapping = { op: onnx, build };
  const op: BinaryOp = defineOp({
    name: `nn.${name}`,
    summary,
    operands: { a: 'required', b: 'required' },
    attributes: {},
    infer({ a, b }) {
      commonElement([a, b]);
      return elementwiseType([a, b], 'i1');
    },
    evaluate: ({ a, b }) => evaluateTruth(a, b, holds),
    lower: { kind: 'elementwise', body: (k, [a, b]): Value => body(k, a as Value, b as Value) },
    onnx: [mapping],
    toOnnx: (writer, { a, b }) => writer.node(onnx, [a, b]),
  });
  return op;
}

export const equal = truth({
  name: 'equal',
  summary: 'Whether a = b.',
  onnx: 'Equal',
  holds: (a, b) => a === b,
  body: (k, a, b) => k.cmp('eq', a, b),
});

export const less = truth({
  name: 'less',
  summary: 'Whether a < b.',
  onnx: 'Less',
  holds: (a, b) => a < b,
  body: (k, a, b) => k.cmp('lt', a, b),
});

export const lessOrEqual = truth({
  name: 'less_or_equal',
  summary: 'Whether a ≤ b.',
  onnx: 'LessOrEqual',
  holds: (a, b) => a <= b,
  body: (k, a, b) => k.cmp('le', a, b),
});

export const greater = truth({
  name: 'greater',
  summary: 'Whether a > b.',
  onnx: 'Greater',
  holds: (a, b) => a > b,
  body: (k, a, b) => k.cmp('gt', a, b),
});

export const greaterOrEqual = truth({
  name: 'greater_or_equal',
  summary: 'Whether a ≥ b.',
  onnx: 'GreaterOrEqual',
  holds: (a, b) => a >= b,
  body: (k, a, b) => k.cmp('ge', a, b),
});

export const and = truth({
  name: 'and',
  summary: 'Whether a and b are both true.',
  onnx: 'And',
  holds: (a, b) => Boolean(a) && Boolean(b),
  body: (k, a, b) => k.and(a, b),
});

export const or = truth({
  name: 'or',
  summary: 'Whether a or b is true.',
  onnx: 'Or',
  holds: (a, b) => Boolean(a) || Boolean(b),
  body: (k, a, b) => k.or(a, b),
});

export const xor = truth({
  name: 'xor',
  summary: 'Whether one of a and b is true.',
  onnx: 'Xor',
  holds: (a, b) => Boolean(a) !== Boolean(b),
  body: (k, a, b) => k.xor(a, b),
});

export type TestOp = TypedOp<{ readonly x: 'required' }, Record<never, never>>;

function test(
  name: string,
  summary: string,
  onnx: string,
  holds: (x: number) => boolean,
  body: (k: BodyBuilder, x: Value) => Value,
): TestOp {
  const op: TestOp = defineOp({
    name: `nn.${name}`,
    summary,
    operands: { x: 'required' },
    attributes: {},
    infer: ({ x }) => withElement(x, 'i1'),
    evaluate: ({ x }) =>
      truths(
        x.shape,
        Uint8Array.from(toF64(x), (v) => (holds(v) ? 1 : 0)),
      ),
    lower: { kind: 'elementwise', body: (k, [x]): Value => body(k, x as Value) },
    onnx: [{ op: onnx, build: (node): Value => node.create(op, { x: node.input(0) }).result }],
    toOnnx: (writer, { x }) => writer.node(onnx, [x]),
  });
  return op;
}

export const not = test(
  'not',
  'Whether x is false.',
  'Not',
  (x) => x === 0,
  (k, x) => k.xor(x, k.constant(1, 'i1', x)),
);
export const isNaNOp = test('is_nan', 'Whether x is a NaN.', 'IsNaN', Number.isNaN, (k, x) => k.cmp('ne', x, x));

export const compareOps = [equal, less, lessOrEqual, greater, greaterOrEqual, and, or, xor, not, isNaNOp];
