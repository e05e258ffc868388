import type { Op } from '../../ir/index.ts';
import type { Preserves } from '../define.ts';
import { realDisagreement } from './compare.ts';

/** Told of the first result of every op that has run, as real numbers. */
export type Observe = (op: Op, reals: ArrayLike<number>) => void;

/** What one run has given, layer by layer: the last op of each model node stands for its layer. */
export class LayerValues {
  readonly #values = new Map<string, { readonly op: string; readonly reals: Float64Array }>();

  readonly observe: Observe = (op, reals) => {
    if (op.source === '') return;
    // a layer's place in the order is that of its last op
    this.#values.delete(op.source);
    this.#values.set(op.source, { op: op.name, reals: Float64Array.from(reals) });
  };

  /**
   * Where another run begins to differ more than promised: the first of the layers after the last one that agrees. A
   * layer that differs while a later one agrees was only cut in another place.
   */
  firstDifference(reference: LayerValues, promise: Preserves): string | undefined {
    let first: string | undefined;
    for (const [source, { op, reals }] of [...this.#values].reverse()) {
      const expected = reference.#values.get(source);
      if (expected?.reals.length !== reals.length) continue;
      const found = realDisagreement(expected.reals, reals, promise);
      if (!found) break;
      first = `layer '${source}' (${op}): it ${found.what}`;
    }
    return first;
  }
}
