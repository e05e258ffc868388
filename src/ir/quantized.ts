import { invariant } from '../support/diagnostics.ts';
import { Interner } from '../support/interner.ts';
import type { ScalarType } from './scalar.ts';

/**
 * Quantization parameters, immutable and interned by content: real = (code − zeroPoint)·scale, element by
 * element along the granularity of the type that holds them. Scales are f32 values; a codebook's `levels` are
 * the real values that code 0, 1, … stand for before scaling; `widths` are the bits that hold the codes of every
 * `spanOutputs` neighbouring channels of the last axis, where they differ.
 */
export interface QuantParams {
  /** Unique among the parameters of this process; never printed. */
  readonly key: string;
  readonly scale: readonly number[];
  readonly zeroPoint: readonly number[];
  readonly levels?: readonly number[];
  readonly widths?: readonly number[];
}

/** Neighbouring channels whose codes have one width, where widths differ. */
export const spanOutputs = 16;

/** Along what a scale is shared. `block`: runs of `size` elements along `axis`; `token`: found at run time. */
export type Granularity =
  | { readonly kind: 'tensor' }
  | { readonly kind: 'axis'; readonly axis: number }
  | { readonly kind: 'block'; readonly axis: number; readonly size: number }
  | { readonly kind: 'token' };

/** How codes stand for real numbers. */
export type Scheme = 'affine' | 'power-of-two' | 'microscaled' | 'codebook';

/**
 * A quantized element type, as in MLIR's quant dialect: `storage` codes stand for `expressed` real numbers.
 * `params` is undefined before calibration (`!quant.pending`).
 */
export interface QuantType {
  readonly kind: 'quant';
  readonly key: string;
  readonly storage: ScalarType;
  readonly expressed: ScalarType;
  readonly scheme: Scheme;
  readonly granularity: Granularity;
  readonly params: QuantParams | undefined;
}

const paramsInterner = new Interner<QuantParams>();
const typeInterner = new Interner<QuantType>();
let made = 0;

/** Interned parameters. `zeroPoint` has the length of `scale`, or is left out for zero. */
export function quantParams(spec: {
  scale: readonly number[];
  zeroPoint?: readonly number[];
  levels?: readonly number[];
  widths?: readonly number[];
}): QuantParams {
  const scale = spec.scale.map(Math.fround);
  const zeroPoint = spec.zeroPoint ?? scale.map(() => 0);
  invariant(scale.length === zeroPoint.length, 'a zero point for every scale');
  const content = `${scale.join()}|${zeroPoint.join()}|${spec.levels?.join() ?? ''}|${spec.widths?.join() ?? ''}`;
  const levels = spec.levels ? { levels: Object.freeze([...spec.levels]) } : {};
  const widths = spec.widths ? { widths: Object.freeze([...spec.widths]) } : {};
  return paramsInterner.get(content, () => {
    const key = `params${made++}`;
    const frozen = { scale: Object.freeze(scale), zeroPoint: Object.freeze([...zeroPoint]) };
    return Object.freeze({ key, ...frozen, ...levels, ...widths });
  });
}

export const perTensor: Granularity = Object.freeze({ kind: 'tensor' });

/** The text of a granularity inside a type; empty for one scale per tensor. */
export function granularityText(granularity: Granularity): string {
  switch (granularity.kind) {
    case 'tensor':
      return '';
    case 'axis':
      return `axis=${granularity.axis}`;
    case 'block':
      return `axis=${granularity.axis}, block=${granularity.size}`;
    case 'token':
      return 'token';
  }
}

/** An interned quantized type. */
export function quantType(spec: {
  storage: ScalarType;
  expressed?: ScalarType;
  scheme?: Scheme;
  granularity?: Granularity;
  params?: QuantParams | undefined;
}): QuantType {
  const { storage, expressed = 'f32', scheme = 'affine', granularity = perTensor, params } = spec;
  const key = `quant<${storage}:${expressed}, ${scheme}, ${granularityText(granularity)}, ${params?.key ?? 'pending'}>`;
  return typeInterner.get(key, () =>
    Object.freeze({
      kind: 'quant' as const,
      key,
      storage,
      expressed,
      scheme,
      granularity: Object.freeze(granularity),
      params,
    }),
  );
}

/** A type with one scale and zero point for the whole tensor. */
export function affine(storage: ScalarType, scale: number, zeroPoint = 0): QuantType {
  return quantType({ storage, params: quantParams({ scale: [scale], zeroPoint: [zeroPoint] }) });
}

/** The scale and zero point of a type with one of each, or undefined. */
export function uniformParams(type: QuantType): { scale: number; zeroPoint: number } | undefined {
  if (type.granularity.kind !== 'tensor' || !type.params || type.scheme !== 'affine') return undefined;
  return { scale: type.params.scale[0] as number, zeroPoint: type.params.zeroPoint[0] as number };
}
