import type { OnnxMapping, OnnxNode, Value } from '../../../src/ir/index.ts';
import { maxPoolIndices } from '../maxPoolIndices.ts';
import { avgPool, maxPool, readPool } from '../pool.ts';
import { abs, sqrt } from '../unary.ts';
import { Compose, known, shapeOf } from './compose.ts';

/** Σ|x|^p becomes its p-th root; `sum` says over what. */
export function pNorm(c: Compose, x: Value, p: number, sum: (powers: Value) => Value): Value {
  if (p === 1) return sum(c.apply(abs, x));
  if (p === 2) return c.apply(sqrt, sum(c.mul(x, x)));
  const powers = c.pow(c.apply(abs, x), c.scalar(p, x));
  return c.pow(sum(powers), c.scalar(1 / p, x));
}

function lpPool(node: OnnxNode): Value {
  const c = new Compose(node);
  const { kernel, strides, pads, dilations } = readPool(node).window;
  const cells = kernel.reduce((n, size) => n * size, 1);
  // Version 1 had a power that need not be whole.
  const p = node.opset < 2 ? node.float('p', 2) : node.int('p', 2);
  const x = node.input(0);
  return pNorm(c, x, p, (powers) => {
    const attributes = { kernel, strides, pads, dilations, count_include_pad: true };
    const mean = node.create(avgPool, { x: powers }, attributes).result;
    return c.mul(mean, c.scalar(cells, x));
  });
}

function globalLpPool(node: OnnxNode): Value {
  const c = new Compose(node);
  const x = node.input(0);
  const p = node.opset < 2 ? node.float('p', 2) : node.int('p', 2);
  const axes = shapeOf(x).flatMap((_, i) => (i < 2 ? [] : [i]));
  return pNorm(c, x, p, (powers) => c.sum(powers, axes));
}

function maximumPool(node: OnnxNode): Value[] {
  const x = node.input(0);
  const column_major = node.int('storage_order', 0) !== 0;
  const { kernel, strides, pads, dilations } = readPool(node).window;
  const window = { kernel, strides, pads, dilations };
  const y = node.create(maxPool, { x }, window).result;
  return node.outputCount < 2 ? [y] : [y, node.create(maxPoolIndices, { x }, { ...window, column_major }).result];
}

function averagePool(node: OnnxNode): Value {
  const { window, ceiled, extra } = readPool(node);
  const { kernel, strides, pads, dilations } = window;
  const include = node.int('count_include_pad', 0) !== 0;
  const dilated = dilations.some((d) => d !== 1) ? { dilations } : {};
  const attributes = { kernel, strides, pads, ...dilated, count_include_pad: include };
  const x = node.input(0);
  const mean = node.create(avgPool, { x }, attributes).result;
  if (!include || !ceiled) return mean;
  // Padding counts, but what ceil_mode adds behind it does not.
  const c = new Compose(node);
  const rank = kernel.length;
  const sizes = known(node, shapeOf(mean), 'a result').slice(2);
  const inputs = known(node, shapeOf(x).slice(2), 'an input');
  let factors = [1];
  sizes.forEach((size, i) => {
    const end = (inputs[i] as number) + (pads[i] as number) + (pads[i + rank] as number) - (extra[i] as number);
    const share = Array.from({ length: size }, (_, o) => {
      const first = o * (strides[i] as number);
      const steps = Array.from({ length: kernel[i] as number }, (_unused, k) => first + k * (dilations[i] as number));
      return (kernel[i] as number) / steps.filter((at) => at < end).length;
    });
    factors = factors.flatMap((factor) => share.map((own) => factor * own));
  });
  return c.mul(mean, c.numbers(factors, [1, 1, ...sizes], x));
}

export const poolingMappings: readonly OnnxMapping[] = [
  { op: 'MaxPool', build: maximumPool },
  { op: 'AveragePool', build: averagePool },
  { op: 'LpPool', build: lpPool },
  { op: 'GlobalLpPool', build: globalLpPool },
];
