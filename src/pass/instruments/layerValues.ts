import { type Module, Op, quantOf, type TensorType, type Value } from '../../ir/index.ts';
import type { Preserves } from '../define.ts';
import { type Disagreement, realDisagreement } from './compare.ts';

/** What an op has given: real numbers, and the stored codes where it gives those; integers are both. */
export interface Values {
  readonly reals: Float64Array;
  readonly codes?: Float64Array;
}

/** What a run tells of the first result of every op. */
export interface RunHooks {
  readonly observe?: (op: Op, values: () => Values) => void;
  /** What the run goes on with instead, codes where both have them; undefined leaves the result. */
  readonly replace?: (op: Op, values: () => Values) => Values | undefined;
}

/** What one run has given, layer by layer: the last op of each model node stands for its layer. */
export class LayerValues {
  readonly #layers = new Map<string, { readonly op: Op; readonly name: string; readonly values: () => Values }>();

  readonly observe: NonNullable<RunHooks['observe']> = (op, values) => {
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
    const found = differs(op, expected, own, promise);
    return found === undefined
      ? undefined
      : found
        ? `layer '${op.source}' (${layer.name}): it ${found.what}`
        : 'agrees';
  }

  /**
   * For a run of the module before this one's: lets every layer go on with what it has given here, as long as that is
   * what the pass promises. So a layer is compared on the same operands in both, and what is found is its own error.
   * One that differs more goes on with its own result, to be found in what reads it, if that minds.
   */
  leading(before: Module, promise: Preserves): NonNullable<RunHooks['replace']> {
    const last = new Map([...before.main.body.ops()].map((op) => [op.source, op]));
    return (op, values) => {
      const here = last.get(op.source) === op && !op.isConstant ? this.#layers.get(op.source) : undefined;
      if (!here || shapeOf(here.op) !== shapeOf(op)) return undefined;
      const own = here.values();
      return differs(here.op, values(), own, promise) === false ? own : undefined;
    };
  }
}

/**
 * How what an op gives differs from what is expected: in codes where one of the two is integers that stand for nothing
 * else. False where it does not, undefined where there is nothing to compare.
 */
function differs(op: Op, expected: Values, actual: Values, promise: Preserves): Disagreement | false | undefined {
  const inCodes = isPlain(expected) || isPlain(actual);
  const [before, after] = inCodes ? [expected.codes, actual.codes] : [expected.reals, actual.reals];
  if (!before || !after) return undefined;
  return realDisagreement(before, after, promise, inCodes ? 1 : quantumOf(op)) ?? false;
}

/** Whether values are integers that stand for nothing else. */
const isPlain = ({ reals, codes }: Values): boolean => reals === codes;

const shapeOf = (op: Op): string => `${((op.results[0] as Value).type as TensorType).shape}`;

/** The step between the codes that an op gives, the largest where there are several. */
function quantumOf(op: Op): number | undefined {
  const params = quantOf((op.results[0] as Value).type as TensorType)?.params;
  return params && Math.max(...params.scale);
}

/** What a value is made of: what its op reads, or what the regions of the op give and read. */
function sourcesOf(value: Value): readonly Value[] {
  const { definer } = value;
  const op = definer instanceof Op ? definer : definer.parent;
  if (!op) return [];
  const given = value.op ? op.regions.flatMap((region) => region.last?.operands ?? []) : [];
  return [...given, ...op.operands].filter((operand) => operand !== undefined);
}
