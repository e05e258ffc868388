import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { staticShape, tensor, type Value } from '../../src/ir/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { foundSymbol, storeFound } from './found.ts';
import { foldOver } from './nest.ts';

interface Box {
  readonly top: Value;
  readonly left: Value;
  readonly bottom: Value;
  readonly right: Value;
}

function boxAt(k: KernelBuilder, boxes: Value, number: Value, centers: boolean): Box {
  const [a, b, c, d] = [0, 1, 2, 3].map((i) => k.load(boxes, k.scaled(number, 4, i))) as [Value, Value, Value, Value];
  if (!centers) return { top: k.min(a, c), bottom: k.max(a, c), left: k.min(b, d), right: k.max(b, d) };
  const half = k.constant(0.5, 'f32');
  const [width, height] = [k.mul(c, half), k.mul(d, half)];
  return { left: k.sub(a, width), right: k.add(a, width), top: k.sub(b, height), bottom: k.add(b, height) };
}

function overlap(k: KernelBuilder, a: Box, b: Box): Value {
  const zero = k.constant(0, 'f32');
  const area = ({ top, left, bottom, right }: Box) => k.mul(k.sub(bottom, top), k.sub(right, left));
  const height = k.max(k.sub(k.min(a.bottom, b.bottom), k.max(a.top, b.top)), zero);
  const width = k.max(k.sub(k.min(a.right, b.right), k.max(a.left, b.left)), zero);
  const shared = k.mul(height, width);
  const positive = [shared, area(a), area(b)].map((size) => k.cmp('gt', size, zero)).reduce((p, q) => k.and(p, q));
  return k.select(positive, k.div(shared, k.sub(k.add(area(a), area(b)), shared)), zero);
}

/** For each batch and class: the best box of those that are left is taken, and those that it overlaps are left out. */
export function nonMaxSuppression({ root }: Cluster, context: KernelContext): KernelPlan {
  const [boxes, scores, ...options] = root.operands as [Value, Value, ...(Value | undefined)[]];
  const [limit, iou, least] = options;
  const [batches, classes, count] = staticShape(tensorType(scores)) as [number, number, number];
  const centers = root.attributes.centers === true;
  const finds = foundSymbol(root);
  const operands = root.operands.filter((v) => v !== undefined);
  return {
    operands,
    scratch: [tensor([count], 'u8')],
    finds,
    variants: [
      {
        feature: undefined,
        build(k) {
          const buffers = new Map(operands.map((v, i) => [v, context.input(k, `x${i}`, v)]));
          const of = (v: Value) => buffers.get(v) as Value;
          const y = context.output(k, root.result);
          const left = k.buffer('left', 'u8', 'output');
          const most = k.index(context.most(finds));
          const scalar = (v: Value | undefined, fallback: number) =>
            v ? k.load(of(v), k.index(0)) : k.constant(fallback, 'f32');
          const [allowed, lowest] = [scalar(iou, 0), scalar(least, -Infinity)];
          const wanted = limit ? k.load(of(limit), k.index(0)) : k.constant(0, 'i64');
          const rounds = k.convert(k.min(k.max(wanted, k.constant(0, 'i64')), k.constant(count, 'i64')), 'index');
          const [yes, no] = [k.constant(1, 'u8'), k.constant(0, 'u8')];
          const isLeft = (i: Value) => k.cmp('ne', k.load(left, i), no);

          /** The first of the best boxes that are left, or −1. */
          const best = (line: Value): Value =>
            k.for(0, count, 1, [k.index(-1), k.constant(0, 'f32')], (i, [place, top]) => {
              const score = k.load(of(scores), k.add(line, i));
              const better = k.or(k.cmp('lt', place as Value, k.index(0)), k.cmp('gt', score, top as Value));
              const takes = k.and(isLeft(i), better);
              return [k.select(takes, i, place as Value), k.select(takes, score, top as Value)];
            })[0] as Value;

          const [total] = foldOver(k, [batches, classes], [k.index(0)], ([batch, one], [sofar]) => {
            const line = k.scaled(k.add(k.scaled(batch as Value, classes), one as Value), count);
            k.loop(0, count, 1, (i) => {
              k.store(k.select(k.cmp('gt', k.load(of(scores), k.add(line, i)), lowest), yes, no), left, i);
            });
            return k.for(0, rounds, 1, [sofar as Value], (_, [rows]) => {
              const taken = best(line);
              const found = k.cmp('ge', taken, k.index(0));
              k.if(found, () => {
                const first = k.scaled(batch as Value, count);
                const own = boxAt(k, of(boxes), k.add(first, taken), centers);
                k.loop(0, count, 1, (i) => {
                  const other = boxAt(k, of(boxes), k.add(first, i), centers);
                  const goes = k.or(k.cmp('eq', i, taken), k.cmp('gt', overlap(k, own, other), allowed));
                  k.store(k.select(goes, no, k.load(left, i)), left, i);
                });
                k.if(k.cmp('lt', rows as Value, most), () => {
                  [batch as Value, one as Value, taken].forEach((index, i) => {
                    k.store(k.convert(index, 'i64'), y, k.scaled(rows as Value, 3, i));
                  });
                });
              });
              return [k.add(rows as Value, k.select(found, k.index(1), k.index(0)))];
            });
          });
          storeFound(k, total as Value);
        },
      },
    ],
  };
}
