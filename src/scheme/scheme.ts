/**
 * What a stored weight is, and its bits: an integer; an odd number about 0 (bipolar); 0 or a power of two (pot); a small
 * float; a place in a table of levels. Levels of k-means, and the exponent bits and bias of `float4` and its like, are
 * found from the weights of each layer.
 */
const storages = {
  ...{ i2: 2, i3: 3, i4: 4, i5: 5, i6: 6, i7: 7, i8: 8 },
  ...{ bipolar2: 2, bipolar3: 3, bipolar4: 4, bipolar5: 5, bipolar6: 6, bipolar7: 7, bipolar8: 8 },
  ...{ pot3: 3, pot4: 4, pot5: 5 },
  ...{ e2m1: 4, e2m3: 6, e3m2: 6, e4m3: 8, e5m2: 8 },
  ...{ float3: 3, float4: 4, float5: 5, float6: 6, float7: 7, float8: 8 },
  ...{ kmeans2: 2, kmeans3: 3, kmeans4: 4, kmeans5: 5, kmeans6: 6 },
  ...{ nf4: 4, ternary: 2 },
};
export type WeightStorage = keyof typeof storages;
export const weightStorages = Object.keys(storages) as WeightStorage[];

/** What a quantized activation is: an integer, or a small float. */
const activationBits = { i8: 8, i16: 16, e2m1: 4, e2m3: 6, e3m2: 6, e4m3: 8, e5m2: 8 };
export type ActivationStorage = keyof typeof activationBits;
export const activationStorages = Object.keys(activationBits) as ActivationStorage[];

/** What a quantized activation is that is computed with as a float. */
export type FloatActivation = Exclude<ActivationStorage, 'i8' | 'i16'>;

/**
 * What a scale is: any f32, a power of two (the E8M0 of microscaled formats), the smallest power of two with which no
 * weight saturates, E4M3 times one f32 a tensor, or a whole number up to 255 times one f32 an output channel.
 */
export const scaleKinds = ['f32', 'power-of-two', 'shared-exponent', 'e4m3', 'integer'] as const;
export type ScaleKind = (typeof scaleKinds)[number];

/** How the largest weight that has a code is chosen: the largest there is, or that of the smallest squared error. */
export const weightRanges = ['absmax', 'mse'] as const;

/**
 * How the code of a weight is chosen: the nearest; by GPTQ, which lets later weights make up for errors of earlier ones; or
 * the one below or above as AdaRound learns it from the layer's results.
 */
export const weightRoundings = ['nearest', 'gptq', 'adaround'] as const;
export type WeightRounding = (typeof weightRoundings)[number];

/** What a scale of activations is: of the weights' kinds those that a block's largest number decides. */
export const activationScales = ['f32', 'power-of-two', 'e4m3'] as const;
export type ActivationScale = (typeof activationScales)[number];

/** How weights are stored. */
export interface WeightScheme {
  readonly storage: WeightStorage;
  /** What shares a scale: the tensor, an output channel, or a group of `group` inputs of an output channel. */
  readonly granularity: 'tensor' | 'channel' | 'group';
  readonly group?: number | undefined;
  /**
   * Widths among which every 16 neighbouring outputs choose, for the least error in the space of `storage`: of all codes of
   * a layer together, scales not counted. Default: all have that of `storage`.
   */
  readonly mixed?: readonly number[] | undefined;
  /** Whether code 0 stands for 0; otherwise there is a zero point for each scale. */
  readonly symmetric: boolean;
  readonly scale: ScaleKind;
  readonly range: (typeof weightRanges)[number];
  /** Default `nearest`. */
  readonly rounding?: WeightRounding | undefined;
}

/**
 * How activations are stored. `tensor`: one range, from calibration; found at run time: `token`, one a row, and `group`,
 * one for each `group` channels of a row.
 */
export interface ActivationScheme {
  readonly storage: ActivationStorage;
  readonly granularity: 'tensor' | 'token' | 'group';
  readonly group?: number | undefined;
  /** Of small floats. Default `f32`; of `e4m3` the second level is an f32 a row. */
  readonly scale?: ActivationScale | undefined;
  readonly symmetric: boolean;
  /** Of calibration, for `tensor`. */
  readonly observer?: string | undefined;
  readonly percentile?: number | undefined;
  /**
   * For `tensor`: what rounding activations to 8 bits must leave of the model's results, in dB of signal to noise as
   * measured on calibration samples. Where it leaves less, those that cost most get 16 bits. Default 0: none does.
   */
  readonly leastSnr?: number | undefined;
  /** How much is left then, in dB, if that is more than `leastSnr`. */
  readonly raisedSnr?: number | undefined;
  /**
   * How much must be left, in dB, where matrix products alone read 16 bits, an eighth of the multiply-adds at most.
   * Default 0.
   */
  readonly cheapSnr?: number | undefined;
  /**
   * How much is left, in dB, where rounding leaves less than `cheapSnr` and no convolution reads any activation: those of
   * matrix products get 16 bits then, however much work they are. Default 0: as `cheapSnr` says.
   */
  readonly productsSnr?: number | undefined;
}

/** How a layer's numbers are stored; what is absent stays float. */
export interface LayerScheme {
  readonly weights?: WeightScheme | undefined;
  readonly activations?: ActivationScheme | undefined;
}

/** A scheme as it stands in the table of names. */
export interface Scheme extends LayerScheme {
  readonly name: string;
  /** One phrase. */
  readonly summary: string;
  /** Whether no float remains between inputs and outputs. */
  readonly integerOnly?: boolean;
}

/** Whether a layer's ranges come from calibration: it then becomes integer arithmetic between static codes. */
export function isStatic({ activations }: LayerScheme): boolean {
  return activations?.granularity === 'tensor';
}

/** Whether a layer keeps all its numbers as they are. */
export function isFloatLayer({ weights, activations }: LayerScheme): boolean {
  return !weights && !activations;
}

/** Whether codes of weights are chosen by what calibration samples show. */
export function roundsBySamples({ weights }: LayerScheme): boolean {
  return (weights?.rounding ?? 'nearest') !== 'nearest';
}

/** Bits of a quantized activation, scales not counted. */
export function activationWidth(storage: ActivationStorage): number {
  return activationBits[storage];
}

/** Whether a quantized activation is a small float, which products multiply as f32. */
export function isFloatActivation(storage: ActivationStorage): storage is FloatActivation {
  return storage !== 'i8' && storage !== 'i16';
}

/** Neighbouring channels that share a scale, in rows of so many. */
export function activationGroup({ granularity, group }: ActivationScheme, channels: number): number {
  return granularity === 'group' ? Math.min(group as number, channels) : channels;
}

/** Bits of one stored weight, scales not counted. */
export function storageBits(storage: WeightStorage): number {
  return storages[storage];
}
