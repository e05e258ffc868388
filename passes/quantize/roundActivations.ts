import { type ObserverName, observerOf, ValueStatistics } from '../../src/calibrate/index.ts';
import {
  type ActivationParams,
  chooseActivationParams,
  chooseDynamicParams,
  chooseDynamicSymmetric,
  formats,
  quantizeF32,
} from '../../src/numerics/index.ts';
import { type ActivationScheme, isFloatActivation } from '../../src/scheme/index.ts';
import { activationFormat } from './activationFormat.ts';

/**
 * Rows of activations as a scheme rounds them, back as numbers. One range for all is chosen from these rows by the
 * scheme's observer; ranges of rows as at run time.
 * @param data row-major, rows of `channels` finite numbers
 */
export function roundActivations(data: Float32Array, channels: number, scheme: ActivationScheme): Float32Array {
  if (scheme.granularity === 'tensor') {
    const params = staticParams(data, channels, scheme);
    return data.map((x) => rounded(x, params));
  }
  const result = new Float32Array(data.length);
  for (let from = 0; from < data.length; from += channels) {
    const row = data.subarray(from, from + channels);
    result.set(roundRow(row, scheme), from);
  }
  return result;
}

function staticParams(
  data: Float32Array,
  channels: number,
  { observer = 'lp', percentile = 99.99 }: ActivationScheme,
): ActivationParams {
  const rule = observerOf(observer as ObserverName, percentile);
  const [statistics, least, most] = [new ValueStatistics(), Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  statistics.add(data, least, most);
  if (rule.needs) statistics.addSlices(rule.needs, data, { channels, inner: 1 }, least, most);
  const { min, max } = rule.choose(statistics);
  return chooseActivationParams(min, max);
}

function roundRow(row: Float32Array, scheme: ActivationScheme): ArrayLike<number> {
  const { storage, symmetric } = scheme;
  if (isFloatActivation(storage)) {
    const format = activationFormat(scheme, storage, row.length);
    return formats.decodeRow(formats.encodeRow(row, format), format);
  }
  const low = row.reduce((a, b) => Math.min(a, b), 0);
  const high = row.reduce((a, b) => Math.max(a, b), 0);
  const params = symmetric ? chooseDynamicSymmetric(low, high) : chooseDynamicParams(low, high);
  return row.map((x) => rounded(x, params));
}

const rounded = (x: number, { scale, zeroPoint }: ActivationParams): number =>
  (quantizeF32(x, scale, zeroPoint, -128, 127) - zeroPoint) * scale;
