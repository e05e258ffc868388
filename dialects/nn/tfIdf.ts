import { attr, defineOp, tensor, type Value } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { real, toF64 } from './elements.ts';

const modes = ['TF', 'IDF', 'TFIDF'] as const;

export const tfIdf = defineOp({
  name: 'nn.tf_idf',
  summary:
    'How often each n-gram of a pool occurs in a row, also with gaps of up to `skip` elements; weighted by mode.',
  operands: { x: 'required' },
  attributes: {
    shortest: attr.int(1),
    longest: attr.int(1),
    skip: attr.int(0),
    /** N-grams one after the other, by length; `starts` says where each length begins. */
    pool: attr.ints(),
    starts: attr.ints(),
    /** The result's column of each n-gram. */
    columns: attr.ints(),
    /** One for each n-gram; empty: all 1. */
    weights: attr.floats([]),
    mode: attr.oneOf(modes, 'TF'),
  },
  infer({ x }, { columns }) {
    if (x.shape.length > 2) throw new QcError({ what: `n-grams of ${x.key}`, why: 'it is [length] or [rows, length]' });
    return tensor([...x.shape.slice(0, -1), Math.max(-1, ...columns) + 1], 'f32');
  },
  evaluate({ x }, a) {
    const width = Math.max(-1, ...a.columns) + 1;
    const length = x.shape.at(-1) ?? 1;
    const rows = x.shape.length === 2 ? (x.shape[0] as number) : 1;
    const values = toF64(x);
    const grams = gramsOf(a);
    const y = new Float64Array(rows * width);
    for (let r = 0; r < rows; r++) {
      const row = values.subarray(r * length, (r + 1) * length);
      for (const { gram, column, weight } of grams) {
        const count = occurrences(row, gram, a.skip);
        const own = a.mode === 'TF' ? count : a.mode === 'IDF' ? (count > 0 ? weight : 0) : count * weight;
        y[r * width + column] = (y[r * width + column] as number) + own;
      }
    }
    return real([...x.shape.slice(0, -1), width], y);
  },
  onnx: [
    {
      op: 'TfIdfVectorizer',
      build(node): Value {
        if (node.hasAttribute('pool_strings'))
          return node.refuse('n-grams of text', 'turn text into numbers before the model');
        const named = node.string('mode');
        const mode = modes.find((known) => known === named) ?? node.refuse(`mode '${named}'`);
        const attributes = {
          shortest: node.int('min_gram_length'),
          longest: node.int('max_gram_length'),
          skip: node.int('max_skip_count'),
          pool: node.ints('pool_int64s'),
          starts: node.ints('ngram_counts'),
          columns: node.ints('ngram_indexes'),
          weights: node.floats('weights', []),
          mode,
        };
        return node.create(tfIdf, { x: node.input(0) }, attributes).result;
      },
    },
  ],
});

export interface Gram {
  readonly gram: readonly number[];
  readonly column: number;
  readonly weight: number;
}

interface Pool {
  readonly shortest: number;
  readonly longest: number;
  readonly pool: readonly number[];
  readonly starts: readonly number[];
  readonly columns: readonly number[];
  readonly weights: readonly number[];
}

/** The n-grams of the lengths that are asked for. */
export function gramsOf({ shortest, longest, pool, starts, columns, weights }: Pool): Gram[] {
  const grams: Gram[] = [];
  let index = 0;
  starts.forEach((start, i) => {
    const [size, end] = [i + 1, starts[i + 1] ?? pool.length];
    for (let at = start; at + size <= end; at += size, index++) {
      const entry = {
        gram: pool.slice(at, at + size),
        column: columns[index] as number,
        weight: weights[columns[index] as number] ?? 1,
      };
      if (size >= shortest && size <= longest) grams.push(entry);
    }
  });
  return grams;
}

/** Over all gaps up to `skip`; of single elements a gap means nothing. */
function occurrences(row: Float64Array, gram: readonly number[], skip: number): number {
  let count = 0;
  // A larger gap leaves the row.
  const widest = gram.length === 1 ? 1 : Math.min(skip + 1, row.length);
  for (let step = 1; step <= widest; step++) {
    for (let start = 0; start + step * (gram.length - 1) < row.length; start++) {
      if (gram.every((v, i) => row[start + i * step] === v)) count++;
    }
  }
  return count;
}
