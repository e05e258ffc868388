import { type QuantType, spanOutputs } from './quantized.ts';
import { bitsOf, integerRange } from './scalar.ts';

/** How the codes of a weight matrix [inputs, outputs] stand for numbers: (level(code) − zero)·scale, by groups of inputs. */
export interface StoredWeights {
  /** Of the widest codes. */
  readonly bits: number;
  /** Bits of the codes of every `spanOutputs` neighbouring outputs, where they differ. */
  readonly widths: readonly number[] | undefined;
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
  if (params.widths && params.widths.length !== Math.ceil(outputs / spanOutputs)) return undefined;
  const group = granularity.kind === 'block' ? Math.min(granularity.size, inputs) : inputs;
  const index = (g: number, n: number) => (granularity.kind === 'tensor' ? 0 : g * outputs + n);
  const offset = params.levels ? 0 : -integerRange(storage)[0];
  const [first = 0] = params.zeroPoint;
  return {
    bits: bitsOf(storage),
    widths: params.widths,
    group,
    groups: Math.ceil(inputs / group),
    offset,
    levels: params.levels,
    scale: (g, n) => params.scale[index(g, n)] as number,
    zero: (g, n) => (params.zeroPoint[index(g, n)] as number) + offset,
    commonZero: params.zeroPoint.every((z) => z === first) ? first + offset : undefined,
  };
}

/** Outputs whose codes have one width, in the order in which they lie together. */
export interface StoredSpan {
  readonly outputs: readonly number[];
  /** Of these outputs, by their place in the span. */
  readonly stored: StoredWeights;
}

/** The outputs of each width, the narrowest first: all of them where there is one. */
export function storedSpans(stored: StoredWeights, outputs: number): StoredSpan[] {
  const all = Array.from({ length: outputs }, (_, n) => n);
  const { widths } = stored;
  if (!widths) return [{ outputs: all, stored }];
  return [...new Set(widths)]
    .sort((a, b) => a - b)
    .map((bits) =>
      spanOf(
        stored,
        bits,
        all.filter((n) => widths[Math.floor(n / spanOutputs)] === bits),
      ),
    );
}

function spanOf(stored: StoredWeights, bits: number, outputs: readonly number[]): StoredSpan {
  const offset = stored.offset === 0 ? 0 : 2 ** (bits - 1);
  const at = (n: number) => outputs[n] as number;
  const zero = (g: number, n: number) => stored.zero(g, at(n)) - stored.offset + offset;
  const groups = Array.from({ length: stored.groups }, (_, g) => g);
  const first = zero(0, 0);
  const isCommon = groups.every((g) => outputs.every((_, n) => zero(g, n) === first));
  return {
    outputs,
    stored: {
      ...stored,
      bits,
      widths: undefined,
      offset,
      scale: (g, n) => stored.scale(g, at(n)),
      zero,
      commonZero: isCommon ? first : undefined,
    },
  };
}
