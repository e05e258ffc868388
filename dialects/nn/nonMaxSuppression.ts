import { attr, type Dim, defineOp, minDim, type TensorType, tensor, type Value } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { product } from './axes.ts';
import { toF64 } from './elements.ts';

export const nonMaxSuppression = defineOp({
  name: 'nn.non_max_suppression',
  summary:
    'For each batch and class, boxes by falling score, without those that overlap a better one: rows of batch, class, box.',
  operands: { boxes: 'required', scores: 'required', limit: 'optional', iou: 'optional', score: 'optional' },
  attributes: {
    /** Whether a box is its centre and size, instead of two corners. */
    centers: attr.bool(false),
    /** How many boxes stay: a symbol that the data decides. */
    count: attr.dims(),
    /** The most that there can be. */
    most: attr.dims([]),
  },
  dataDependent: true,
  infer({ boxes, scores }, { count }) {
    if (boxes.shape.length === 3 && scores.shape.length === 3) return tensor([count[0] as Dim, 3], 'i64');
    throw new QcError({
      what: `boxes ${boxes.key} with scores ${scores.key}`,
      why: 'they are [N, boxes, 4] and [N, classes, boxes]',
    });
  },
  evaluate({ boxes, scores, limit, iou, score }, { centers }): HostTensor {
    const [batches, classes, count] = scores.shape as [number, number, number];
    const scalar = (x: HostTensor | undefined, fallback: number) => (x ? (toF64(x)[0] ?? fallback) : fallback);
    const [most, overlap, least] = [scalar(limit, 0), scalar(iou, 0), scalar(score, -Infinity)];
    const [all, corners] = [toF64(scores), toF64(boxes)];
    const rows: number[] = [];
    for (let n = 0; n < batches; n++) {
      const box = Array.from({ length: count }, (_, i) => boxAt(corners, (n * count + i) * 4, centers));
      for (let c = 0; c < classes; c++) {
        const own = all.subarray((n * classes + c) * count, (n * classes + c + 1) * count);
        for (const i of select(own, box, most, overlap, least)) rows.push(n, c, i);
      }
    }
    return { dtype: 'i64', shape: [rows.length / 3, 3], data: BigInt64Array.from(rows, BigInt) };
  },
  lower: { kind: 'template', template: 'non_max_suppression' },
  onnx: [
    {
      op: 'NonMaxSuppression',
      build(node): Value {
        const [boxes, scores] = [node.input(0), node.input(1)];
        const operands = {
          boxes,
          scores,
          limit: node.optionalInput(2),
          iou: node.optionalInput(3),
          score: node.optionalInput(4),
        };
        const [batches, classes, candidates] = (scores.type as TensorType).shape as [Dim, Dim, Dim];
        const limit = node.constant(2)?.data[0] ?? (operands.limit ? Infinity : 0);
        const kept = Number(limit) < 2 ** 31 ? minDim(Math.max(0, Number(limit)), candidates) : candidates;
        const most = product([batches, classes, kept]);
        const attributes = {
          centers: node.int('center_point_box', 0) !== 0,
          count: [node.freshDim('count', most)],
          most: [most],
        };
        return node.create(nonMaxSuppression, operands, attributes).result;
      },
    },
  ],
});

interface Box {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

function boxAt(data: Float64Array, at: number, centers: boolean): Box {
  const [a, b, c, d] = data.subarray(at, at + 4) as unknown as [number, number, number, number];
  if (centers) return { left: a - c / 2, right: a + c / 2, top: b - d / 2, bottom: b + d / 2 };
  return { top: Math.min(a, c), bottom: Math.max(a, c), left: Math.min(b, d), right: Math.max(b, d) };
}

/** The boxes that stay, best first; of equal scores the first box wins. */
function select(scores: Float64Array, boxes: readonly Box[], most: number, overlap: number, least: number): number[] {
  const order = boxes.map((_, i) => i).filter((i) => (scores[i] as number) > least);
  order.sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  const kept: number[] = [];
  for (const i of order) {
    if (kept.length >= most) break;
    if (!kept.some((k) => intersectionOverUnion(boxes[i] as Box, boxes[k] as Box) > overlap)) kept.push(i);
  }
  return kept;
}

function intersectionOverUnion(a: Box, b: Box): number {
  const area = ({ top, left, bottom, right }: Box) => (bottom - top) * (right - left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  if (height <= 0 || width <= 0 || area(a) <= 0 || area(b) <= 0) return 0;
  return (height * width) / (area(a) + area(b) - height * width);
}
