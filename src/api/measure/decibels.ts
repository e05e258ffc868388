import { elementary } from '../../numerics/index.ts';

/** 10·log10(ratio): a ratio of powers in decibels; −∞ for 0, NaN for 0/0. */
export function decibels(ratio: number): number {
  return (10 * elementary.log(ratio)) / Math.LN10;
}
