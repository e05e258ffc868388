import type { Manifest } from './manifest.ts';

/** The last line of every compile. */
export function summaryLine(manifest: Manifest): string {
  const { target, files, weightsBytes, ramBytes, multiplyAdds, integerShare } = manifest;
  const whole = sizeText(Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0));
  const size = target === 'c' ? `${whole} of source (weights ${sizeText(weightsBytes)})` : whole;
  const share = `${Math.round(integerShare * 1000) / 10} % in integers`;
  return `size ${size}, RAM ${sizeText(ramBytes)}, ${countText(multiplyAdds)} multiply-adds, ${share}`;
}

/** Bytes in words, such as `1.4 MB`; 1 KB is 1000 bytes. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} KB` : `${(bytes / 1e6).toFixed(2)} MB`;
}

/** A count in words, such as `12.5 M`. */
export function countText(count: number): string {
  if (count < 1e4) return `${count}`;
  if (count < 1e6) return `${(count / 1e3).toFixed(1)} K`;
  return count < 1e9 ? `${(count / 1e6).toFixed(1)} M` : `${(count / 1e9).toFixed(2)} G`;
}
