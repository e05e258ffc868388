import { describe, expect, it } from 'vitest';
import { runWasm } from '../../backends/wasm/index.ts';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { elementary } from '../../src/numerics/index.ts';
import { planned } from './run.ts';

const count = 20_001;

/** `count` numbers from low to high, the same distance apart. */
const sweep = (low: number, high: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));

/** The bounds that dialects/kernel/trigonometric.ts states, absolute up to 1 and relative above. */
const functions = [
  { name: 'sin', f: elementary.sin, low: -1e5, high: 1e5, bound: 2e-6 },
  { name: 'cos', f: elementary.cos, low: -1e5, high: 1e5, bound: 2e-6 },
  { name: 'sin', f: elementary.sin, low: -10, high: 10, bound: 2e-7 },
  { name: 'cos', f: elementary.cos, low: -10, high: 10, bound: 2e-7 },
  { name: 'tan', f: elementary.tan, low: -1.5, high: 1.5, bound: 5e-7 },
  { name: 'asin', f: elementary.asin, low: -1, high: 1, bound: 5e-7 },
  { name: 'acos', f: elementary.acos, low: -1, high: 1, bound: 5e-7 },
  { name: 'atan', f: elementary.atan, low: -100, high: 100, bound: 5e-7 },
  { name: 'sinh', f: elementary.sinh, low: -80, high: 80, bound: 2e-6 },
  { name: 'cosh', f: elementary.cosh, low: -80, high: 80, bound: 2e-6 },
  { name: 'asinh', f: elementary.asinh, low: -1e4, high: 1e4, bound: 1e-6 },
  { name: 'acosh', f: elementary.acosh, low: 1, high: 1e4, bound: 1e-6 },
  { name: 'atanh', f: elementary.atanh, low: -0.9999, high: 0.9999, bound: 1e-6 },
] as const;

describe('circular and hyperbolic functions as wasm', () => {
  it.each(functions)('$name from $low to $high within $bound', async ({ name, f, low, high, bound }) => {
    const text = `func @main(%x: tensor<${count}xf32>) -> (%y: tensor<${count}xf32>) {
  %0 = nn.${name} %x : tensor<${count}xf32> loc("op")
  nn.return %0
}`;
    const model = await runWasm(await planned(text, wasmTarget));
    const x = sweep(low, high);
    const y = model.run({ x }).y as Float32Array;
    const error = (v: number, i: number) => {
      const exact = f(v);
      return Math.abs((y[i] as number) - exact) / Math.max(1, Math.abs(exact));
    };
    expect(Math.max(...Array.from(x, error))).toBeLessThanOrEqual(bound);
  });
});
