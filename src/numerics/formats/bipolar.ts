import { clamp, halfEven } from '../rounding.ts';
import type { Grid } from './grid.ts';

/**
 * Odd integers −(2^bits − 1)..2^bits − 1: every bit stands for +1 or −1 times its weight, and there is no zero. Bit
 * planes of such codes multiply by exclusive or. Source: ABQ-LLM (Zeng et al., 2024).
 * @param bits 1..8
 */
export function bipolarGrid(bits: number): Grid {
  const top = 2 ** bits - 1;
  return {
    name: `bipolar${bits}`,
    bits,
    largest: top,
    encode: (x) => clamp(halfEven((x + top) / 2), 0, top),
    decode: (code) => 2 * code - top,
  };
}
