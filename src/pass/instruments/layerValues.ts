import { Op, type Value } from '../../ir/index.ts';
import type { Preserves } from '../define.ts';
import { realDisagreement } from './compare.ts';

/** What an op has given: real numbers, and the stored codes where it gives those; integers are both. */
export interface Values {
  readonly reals: Float64Array;
  readonly codes?: Float64Array;
}

/** Told of the first result of every op that has run. */
export type Observe = (op: Op, values: () => Values) => void;

/** What one run has given, layer by layer: the last op of each model node stands for its layer. */
export class LayerValues {
  readonly #layers = new Map<string, { readonly op: Op; readonly name: string; readonly values: () => Values }>();

  readonly observe: Observe = (op, values) => {
    if (op.source !== '') this.#layers.set(op.source, { op, name: op.name, values });
  };

  /**
   * Where another run begins to differ more than promised, on the way to a value of this one: the op that differs while
   * all that it reads agrees. What the other run has no counterpart of is looked through.
   */
  firstDifference(reference: LayerValues, promise: Preserves, from: Value | undefined): string | undefined {
    const seen = new Set<Value>();
    const search = (value: Value): string | undefined => {
      if (seen.has(value)) return undefined;
      seen.add(value);
      const found = this.#compare(value, reference, promise);
      if (found === 'agrees') return undefined;
      for (const source of sourcesOf(value)) {
        const earlier = search(source);
        if (earlier !== undefined) return earlier;
      }
      return found;
    };
    return from && search(from);
  }

  /** How a value differs, `agrees`, or undefined where there is nothing to compare it with. */
  #compare({ op }: Value, reference: LayerValues, promise: Preserves): string | undefined {
    const layer = op && this.#layers.get(op.source);
    if (!layer || layer.op !== op) return undefined;
    const [own, expected] = [layer.values(), reference.#layers.get(op.source)?.values()];
    if (expected?.reals.length !== own.reals.length) return undefined;
    const inCodes = isPlain(own) || isPlain(expected);
    const [before, after] = inCodes ? [expected.codes, own.codes] : [expected.reals, own.reals];
    if (!before || !after) return undefined;
    const found = realDisagreement(before, after, promise);
    return found ? `layer '${op.source}' (${layer.name}): it ${found.what}` : 'agrees';
  }
}

/** Whether values are integers that stand for nothing else. */
const isPlain = ({ reals, codes }: Values): boolean => reals === codes;

/** What a value is made of: what its op reads, or what the regions of the op give and read. */
function sourcesOf(value: Value): readonly Value[] {
  const { definer } = value;
  const op = definer instanceof Op ? definer : definer.parent;
  if (!op) return [];
  const given = value.op ? op.regions.flatMap((region) => region.last?.operands ?? []) : [];
  return [...given, ...op.operands].filter((operand) => operand !== undefined);
}
