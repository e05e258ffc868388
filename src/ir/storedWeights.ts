import type { QuantType } from './quantized.ts';
import { bitsOf, integerRange } from './scalar.ts';

/** How the codes of a weight matrix [inputs, outputs] stand for numbers: (level(code) − zero)·scale, by groups of inputs. */
export interface StoredWeights {
  readonly bits: number;
  /** Inputs of a group; the last group may have fewer. */
  readonly group: number;
  readonly groups: number;
  /** What is added to a code before it is stored, so that it is not negative. */
  readonly offset: number;
  /** The numbers of stored codes, where they are not the codes themselves. */
  readonly levels: readonly number[] | undefined;
  /** Of output n in group g: `at(g, n)`. */
  readonly scale: (g: number, n: number) => number;
  /** Of stored codes. */
  readonly zero: (g: number, n: number) => number;
  /** The one zero point of all, if there is one. */
  readonly commonZero: number | undefined;
}

/** Reads the type of a weight matrix [inputs, outputs]; undefined where its scales do not follow groups of inputs. */
export function storedWeights(type: QuantType, inputs: number, outputs: number): StoredWeights | undefined {
  const { granularity, params, storage } = type;
  if (!params || granularity.kind === 'token') return undefined;
  if (granularity.kind === 'axis' && granularity.axis !== 1) return undefined;
  if (granularity.kind === 'block' && granularity.axis !== 0) return undefined;
  const group = granularity.kind === 'block' ? Math.min(granularity.size, inputs) : inputs;
  const index = (g: number, n: number) => (granularity.kind === 'tensor' ? 0 : g * outputs + n);
  const offset = params.levels ? 0 : -integerRange(storage)[0];
  const [first = 0] = params.zeroPoint;
  return {
    bits: bitsOf(storage),
    group,
    groups: Math.ceil(inputs / group),
    offset,
    levels: params.levels,
    scale: (g, n) => params.scale[index(g, n)] as number,
    zero: (g, n) => (params.zeroPoint[index(g, n)] as number) + offset,
    commonZero: params.zeroPoint.every((z) => z === first) ? first + offset : undefined,
  };
}
