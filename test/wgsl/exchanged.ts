import { exchangesFor } from '../../backends/wgsl/exchanges.ts';

/** A shader as the runtime gives it to a device with the features that `has` knows. */
export function exchanged(shader: string, has: (feature: string) => boolean): string {
  return exchangesFor(shader)
    .filter((one) => has(one.feature) === one.has)
    .reduce((text, { from, to }) => text.replace(from, () => to), shader);
}
