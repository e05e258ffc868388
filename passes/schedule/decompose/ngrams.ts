import { type Compose, elementOf, type OpMaker } from '../../../dialects/nn/composed/compose.ts';
import { type Gram, gramsOf, tfIdf } from '../../../dialects/nn/tfIdf.ts';
import type { Value } from '../../../src/ir/index.ts';
import { op, rule } from '../../../src/rewrite/index.ts';
import { shapeOf } from './axes.ts';
import { composing } from './composing.ts';

/** How often each of some n-grams of one length is in each row of x, with `step` elements from one to the next. */
function occurrences(c: Compose<OpMaker>, x: Value, grams: readonly Gram[], step: number): Value | undefined {
  const size = (grams[0] as Gram).gram.length;
  const [rows, length] = shapeOf(x) as [number, number];
  const starts = length - step * (size - 1);
  if (starts < 1) return undefined;
  const hits = Array.from({ length: size }, (_, i) => {
    const own = c.reshape(c.slice(x, 1, i * step, starts), [rows, starts, 1]);
    const wanted = grams.map(({ gram }) => gram[i] as number);
    return c.equal(own, c.numbers(wanted, [1, 1, grams.length], x));
  });
  return c.sum(
    c.cast(
      hits.reduce((a, b) => c.and(a, b)),
      'f32',
    ),
    [1],
    false,
  );
}

/** Where each column finds its n-gram among `columns`; one list for each n-gram that a column may have. */
function layers(columns: readonly number[], width: number): number[][] {
  const found: number[][] = [];
  const seen = new Array<number>(width).fill(0);
  columns.forEach((column, i) => {
    const layer = seen[column] as number;
    found[layer] ??= new Array<number>(width).fill(columns.length);
    (found[layer] as number[])[column] = i;
    seen[column] = layer + 1;
  });
  return found;
}

export const ngramRules = [
  // tf_idf(x)[r, column] == Σ weight · Σ over starts and gaps of ∧ (x[r, start + i·gap] == gram[i])
  rule('ngrams-as-comparisons', op(tfIdf), ({ root }, rewriter) => {
    const c = composing(rewriter, root);
    const attributes = tfIdf.attributesOf(root);
    const grams = gramsOf(attributes);
    const sizes = [...new Set(grams.map(({ gram }) => gram.length))];
    const length = shapeOf(root.operand(0)).at(-1) as number;
    const rows = shapeOf(root.operand(0)).length === 2 ? (shapeOf(root.operand(0))[0] as number) : 1;
    const x = c.reshape(root.operand(0), [rows, length]);
    const width = shapeOf(root.result).at(-1) as number;
    const nothing = c.filled(0, 'f32', [rows, 1]);
    const counted = sizes.map((size) => {
      const own = grams.filter(({ gram }) => gram.length === size);
      const steps = size === 1 ? 1 : attributes.skip + 1;
      const parts = Array.from({ length: steps }, (_, i) => occurrences(c, x, own, i + 1));
      const sum = parts.reduce((a, b) => (a && b ? c.add(a, b) : (a ?? b)), undefined);
      const counts = sum ?? c.filled(0, 'f32', [rows, own.length]);
      if (attributes.mode === 'TF') return counts;
      const present = attributes.mode === 'IDF' ? c.cast(c.less(c.scalar(0, counts), counts), 'f32') : counts;
      return c.mul(
        present,
        c.numbers(
          own.map(({ weight }) => weight),
          [1, own.length],
          counts,
        ),
      );
    });
    const columns = sizes.flatMap((size) =>
      grams.flatMap(({ gram, column }) => (gram.length === size ? [column] : [])),
    );
    const all = c.concat([...counted, nothing], 1);
    const placed = layers(columns, width).map((places) => c.gather(all, c.integers(places), 1));
    const y = placed.length > 0 ? placed.reduce((a, b) => c.add(a, b)) : c.filled(0, 'f32', [rows, width]);
    return elementOf(root.result) === 'f32' ? c.reshape(y, shapeOf(root.result)) : undefined;
  }),
];
