import type { ActivationScheme, Scheme, WeightScheme, WeightStorage } from './scheme.ts';

const perChannel: WeightScheme = {
  storage: 'i8',
  granularity: 'channel',
  symmetric: true,
  scale: 'f32',
  range: 'absmax',
};

/** Integer weights in groups of 32 inputs of an output. */
const grouped = (storage: WeightStorage, group = 32): WeightScheme => ({
  ...perChannel,
  storage,
  granularity: 'group',
  group,
});

/** Few levels: a zero point wastes none of them, and a range of least error does not follow single weights. */
const coarse = (storage: WeightStorage): WeightScheme => ({ ...grouped(storage), symmetric: false, range: 'mse' });

/** OCP Microscaling Formats 1.0: blocks of 32 with a power of two as scale. */
const microscaled = (storage: WeightStorage): WeightScheme => ({ ...grouped(storage), scale: 'power-of-two' });

/** Blocks of 16 with E4M3 scales, and one f32 for the whole tensor. */
const nvidia = (storage: WeightStorage): WeightScheme => ({ ...grouped(storage, 16), scale: 'e4m3' });

/**
 * With noise of a two-hundredth of the signal's power models begin to fail. Where 16 bits help, so little of it is left that
 * runtimes that round ties differently, each with noise of its own, agree to 35 dB.
 */
const calibrated: ActivationScheme = {
  storage: 'i8',
  granularity: 'tensor',
  symmetric: false,
  observer: 'lp',
  leastSnr: 23,
  raisedSnr: 50,
  cheapSnr: 32,
  productsSnr: 50,
};
const perToken: ActivationScheme = { storage: 'i8', granularity: 'token', symmetric: false };

const table = {
  float: { summary: 'nothing is quantized' },
  w8a8: {
    summary: '8-bit weights and activations, ranges from calibration, where a layer has an integer form',
    weights: perChannel,
    activations: calibrated,
  },
  int8: {
    summary: 'w8a8, and all between inputs and outputs in integers: of 16 bits what would stay float',
    weights: perChannel,
    activations: calibrated,
    integerOnly: true,
  },
  'w8a8-dynamic': {
    summary: '8-bit weights of matrix products, 8-bit activations whose ranges are found at run time, row by row',
    weights: perChannel,
    activations: perToken,
  },
  w4a8: {
    summary: '4-bit weights in groups of 32, 8-bit activations found at run time',
    weights: grouped('i4'),
    activations: perToken,
  },
  w8a16: { summary: '8-bit weights of matrix products, float activations', weights: perChannel },
  w4a16: { summary: '4-bit weights in groups of 32, float activations', weights: grouped('i4') },
  w3a16: { summary: '3-bit weights with zero points in groups of 32, float activations', weights: coarse('i3') },
  w2a16: { summary: '2-bit weights with zero points in groups of 32, float activations', weights: coarse('i2') },
  fp8: {
    summary: 'E4M3 weights and activations, computed in f32',
    weights: { ...perChannel, storage: 'e4m3' },
    activations: { storage: 'e4m3', granularity: 'token', symmetric: true },
  },
  nf4: { summary: 'the 16 levels of NF4 in groups of 32, float activations', weights: grouped('nf4') },
  mxfp8: { summary: 'E4M3 weights in microscaled blocks of 32, float activations', weights: microscaled('e4m3') },
  mxfp6: { summary: 'E2M3 weights in microscaled blocks of 32, float activations', weights: microscaled('e2m3') },
  mxfp4: { summary: 'E2M1 weights in microscaled blocks of 32, float activations', weights: microscaled('e2m1') },
  nvfp4: { summary: 'E2M1 weights in blocks of 16 with E4M3 scales, float activations', weights: nvidia('e2m1') },
  ternary: { summary: 'weights −1, 0 and 1 in groups of 32, float activations', weights: grouped('ternary') },
} as const satisfies Readonly<Record<string, Omit<Scheme, 'name'>>>;

export type SchemeName = keyof typeof table;

export const schemeNames = Object.keys(table) as SchemeName[];

/** The schemes by name. */
export const schemes = Object.fromEntries(
  Object.entries(table).map(([name, scheme]) => [name, { name, ...scheme }]),
) as Readonly<Record<SchemeName, Scheme>>;

export function isSchemeName(text: string): text is SchemeName {
  return Object.hasOwn(table, text);
}
