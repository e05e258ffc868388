import type { ActivationScheme, LayerScheme, Scheme, WeightScheme } from './scheme.ts';

const perChannel: WeightScheme = {
  storage: 'i8',
  granularity: 'channel',
  symmetric: true,
  scale: 'f32',
  range: 'absmax',
};

const calibrated: ActivationScheme = { storage: 'i8', granularity: 'tensor', symmetric: false, observer: 'lp' };

const table = {
  float: { summary: 'nothing is quantized' },
  w8a8: {
    summary: '8-bit weights and activations, ranges from calibration, where a layer has an integer form',
    weights: perChannel,
    activations: calibrated,
  },
} as const satisfies Readonly<Record<string, LayerScheme & { readonly summary: string }>>;

export type SchemeName = keyof typeof table;

export const schemeNames = Object.keys(table) as SchemeName[];

/** The schemes by name. */
export const schemes = Object.fromEntries(
  Object.entries(table).map(([name, scheme]) => [name, { name, ...scheme }]),
) as Readonly<Record<SchemeName, Scheme>>;

export function isSchemeName(text: string): text is SchemeName {
  return Object.hasOwn(table, text);
}
