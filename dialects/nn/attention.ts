import { attr, type Dim, defineOp, expressed, mulDim, type TensorType, tensor } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { knownCount } from './axes.ts';
import { broadcastTo } from './broadcast.ts';
import { real, toF64 } from './elements.ts';
import { softmaxRow } from './softmax.ts';

/**
 * Scaled dot-product attention. Queries are [..., H, M, D], keys [..., G, N, D] and values [..., G, N, E], where H is a
 * multiple of G: each head of keys and values serves H/G heads of queries, one after the other. The bias broadcasts to
 * the scores, [..., H, M, N]. With `zeros` a query whose bias is −∞ for every key gives zeros, else NaN. Sources: Vaswani et al., Attention Is All You Need (2017), section 3.2.1; Ainslie et al.,
 * GQA (2023), section 2.2.
 */
export const attention = defineOp({
  name: 'nn.attention',
  summary: 'y = softmax(scale·query·keyᵀ + bias)·value, head by head; groups of queries share keys and values.',
  operands: { query: 'required', key: 'required', value: 'required', bias: 'optional' },
  attributes: { scale: attr.float(1), zeros: attr.bool(false) },
  infer: ({ query, key, value }) => attentionType(query, key, value),
  evaluate: (operands, attributes) => attend(operands, attributes),
  cost({ query, key, value }) {
    const widths = knownCount(query.shape.slice(-1)) + knownCount(value.shape.slice(-1));
    return { multiplyAdds: knownCount(query.shape.slice(0, -1)) * knownCount(key.shape.slice(-2, -1)) * widths };
  },
  lower: { kind: 'template', template: 'attention' },
  toOnnx(writer, { query, key, value, bias }, { scale, zeros }, op) {
    if (zeros) return writer.refuse('zeros for queries that see no key');
    const [q, k] = op.operands.map((operand) => (operand?.type as TensorType | undefined)?.shape) as [Dim[], Dim[]];
    const [rank, shared] = [q.length, headsPerGroup(q, k) !== 1];
    const shaped = (x: string, shape: readonly Dim[]) =>
      shared ? writer.node('Reshape', [x, writer.ints(writer.sizes(shape))]) : x;
    // the queries of a group are rows of one product
    const rows = shared ? [...k.slice(0, -2), mulDim(headsPerGroup(q, k) as number, q.at(-2) as Dim)] : [];
    const perm = [...q.keys()].with(-2, rank - 1).with(-1, rank - 2);
    const scaled = writer.node('Mul', [query, writer.scalar(scale, op.result.type as TensorType)]);
    const transposed = writer.node('Transpose', [key], { ints: { perm } });
    const products = writer.node('MatMul', [shaped(scaled, [...rows, q.at(-1) as Dim]), transposed]);
    const scores = shaped(products, [...q.slice(0, -1), k.at(-2) as Dim]);
    const biased = bias === undefined ? scores : writer.node('Add', [scores, bias]);
    const weights = writer.node('Softmax', [biased], { int: { axis: -1 } });
    const y = writer.node('MatMul', [shaped(weights, [...rows, k.at(-2) as Dim]), value]);
    return shaped(y, (op.result.type as TensorType).shape);
  },
});

/** What attention gives. @throws QcError where queries, keys and values do not go together */
export function attentionType(query: TensorType, key: TensorType, value: TensorType): TensorType {
  checkHeads(query, key, value);
  return tensor([...query.shape.slice(0, -1), value.shape.at(-1) as Dim], expressed(query.element));
}

interface Attended {
  readonly query: HostTensor;
  readonly key: HostTensor;
  readonly value: HostTensor;
  readonly bias?: HostTensor | undefined;
}

/** The meaning of attention, in f64. */
export function attend(
  { query, key, value, bias }: Attended,
  { scale, zeros }: { readonly scale: number; readonly zeros: boolean },
): HostTensor {
  const [heads, queries, size] = query.shape.slice(-3) as [number, number, number];
  const [groups, keys] = key.shape.slice(-3) as [number, number];
  const width = value.shape.at(-1) as number;
  const [q, k, v] = [toF64(query), toF64(key), toF64(value)];
  const offsets = bias && toF64(broadcastTo(bias, [...query.shape.slice(0, -1), keys]));
  const rows = q.length / size;
  const y = new Float64Array(rows * width);
  const scores = new Float64Array(keys);
  for (let row = 0; row < rows; row++) {
    const head = Math.floor(row / queries);
    const shared = Math.floor(head / heads) * groups + Math.floor((head % heads) / (heads / groups));
    for (let n = 0; n < keys; n++) {
      let sum = 0;
      const from = (shared * keys + n) * size;
      for (let d = 0; d < size; d++) sum += (q[row * size + d] as number) * (k[from + d] as number);
      scores[n] = scale * sum + (offsets?.[row * keys + n] ?? 0);
    }
    if (zeros && offsets?.subarray(row * keys, (row + 1) * keys).every((b) => b === -Infinity)) continue;
    softmaxRow(scores, scores, 0, keys, 1);
    for (let n = 0; n < keys; n++) {
      const from = (shared * keys + n) * width;
      for (let e = 0; e < width; e++) {
        y[row * width + e] = (y[row * width + e] as number) + (scores[n] as number) * (v[from + e] as number);
      }
    }
  }
  return real([...query.shape.slice(0, -1), width], y);
}

/** Sizes that are not known yet may be the same. */
const fits = (a: Dim | undefined, b: Dim | undefined) => a === b || typeof a === 'object' || typeof b === 'object';
const areAlike = (a: readonly Dim[], b: readonly Dim[]) =>
  a.length === b.length && a.every((dim, i) => fits(dim, b[i]));

/** How many heads of queries share one of keys and values; undefined where they do not go together. */
export function headsPerGroup(query: readonly Dim[], key: readonly Dim[]): number | undefined {
  const [heads, groups] = [query.at(-3), key.at(-3)];
  if (heads === undefined || groups === undefined) return undefined;
  if (fits(heads, groups)) return 1;
  const times = typeof heads === 'number' && typeof groups === 'number' ? heads / groups : 0;
  return Number.isInteger(times) && times >= 1 ? times : undefined;
}

/** @throws QcError where queries, keys and values do not go together */
function checkHeads({ shape: query }: TensorType, { shape: key }: TensorType, { shape: value }: TensorType): void {
  const belong =
    headsPerGroup(query, key) !== undefined &&
    areAlike(query.slice(0, -3), key.slice(0, -3)) &&
    areAlike(key.slice(0, -1), value.slice(0, -1)) &&
    fits(query.at(-1), key.at(-1));
  if (belong) return;
  const shapes = [query, key, value].map((shape) => `[${shape.join(', ')}]`);
  throw new QcError({
    what: `queries, keys and values of the shapes ${shapes.join(', ')}`,
    why: 'they are [..., H, M, D], [..., G, N, D] and [..., G, N, E], and H is a multiple of G',
  });
}
