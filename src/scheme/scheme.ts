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

/** What a quantized activation is. */
export const activationStorages = ['i8', 'i16', 'e4m3'] as const;
export type ActivationStorage = (typeof activationStorages)[number];

/**
 * What a scale is: any f32, a power of two (the E8M0 of microscaled formats), the smallest power of two with which no
 * weight saturates, or E4M3 times one f32 a tensor.
 */
export const scaleKinds = ['f32', 'power-of-two', 'shared-exponent', 'e4m3'] as const;
export type ScaleKind = (typeof scaleKinds)[number];

/** How the largest weight that has a code is chosen: the largest there is, or that of the smallest squared error. */
export const weightRanges = ['absmax', 'mse'] as const;

/** How the code of a weight is chosen: the nearest, or by GPTQ, which lets later weights make up for errors of earlier ones. */
export const weightRoundings = ['nearest', 'gptq'] as const;

/** How weights are stored. */
export interface WeightScheme {
  readonly storage: WeightStorage;
  /** What shares a scale: the tensor, an output channel, or a group of `group` inputs of an output channel. */
  readonly granularity: 'tensor' | 'channel' | 'group';
  readonly group?: number | undefined;
  /** Whether code 0 stands for 0; otherwise there is a zero point for each scale. */
  readonly symmetric: boolean;
  readonly scale: ScaleKind;
  readonly range: (typeof weightRanges)[number];
  /** Default `nearest`. */
  readonly rounding?: (typeof weightRoundings)[number] | undefined;
}

/** How activations are stored. `tensor`: one range, from calibration; `token`: one a row, found at run time. */
export interface ActivationScheme {
  readonly storage: ActivationStorage;
  readonly granularity: 'tensor' | 'token';
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

/** Bits of one stored weight, scales not counted. */
export function storageBits(storage: WeightStorage): number {
  return storages[storage];
}
