import { constantOf, elementOf, type KernelBuilder, lanesOf } from '../dialects/kernel/index.ts';
import { bytesOf, knownSize, type Op, stepsOf, type Value } from '../src/ir/index.ts';
import { perAxis, tensorType } from './cluster.ts';

/** One axis of an operand that windows may leave. */
interface BorderAxis {
  /** Elements of the operand. */
  readonly extent: number;
  readonly stride: number;
  readonly dilation: number;
  /** Elements before the operand that the first window begins at. */
  readonly pad: number;
  /** Where the last window begins. */
  readonly last: number;
  /** Elements from a window's first to its last. */
  readonly reach: number;
}

/** Where windows leave their operand. */
export interface Border {
  /** The spatial axes, outermost first. */
  readonly axes: readonly BorderAxis[];
  /** Where the first window begins, in elements from the operand's first. */
  readonly origin: number;
  /** What stands outside, as it is stored. */
  readonly fill: number;
}

/** The border of a convolution or pool with padding; undefined without. `x`: its operand, [N, C, spatial…]. */
export function borderOf(root: Op, x: Value, kernel: readonly number[], fill: number): Border | undefined {
  const pads = (root.attributes.pads as readonly number[] | undefined) ?? [];
  if (pads.every((pad) => pad === 0)) return undefined;
  const [strides, dilations] = ['strides', 'dilations'].map((name) => perAxis(root.attributes[name], kernel.length));
  const sizes = tensorType(x).shape.slice(2).map(knownSize);
  const axes = sizes.map((extent, axis) => {
    const [stride, dilation, pad] = [strides?.[axis], dilations?.[axis], pads[axis]] as [number, number, number];
    const reach = dilation * ((kernel[axis] as number) - 1);
    const behind = pads[axis + sizes.length] as number;
    const last = Math.floor((extent + pad + behind - reach - 1) / stride) * stride - pad;
    return { extent, stride, dilation, pad, last, reach };
  });
  const steps = stepsOf(tensorType(x)).slice(2).map(knownSize);
  return { axes, origin: -axes.reduce((sum, { pad }, axis) => sum + pad * (steps[axis] as number), 0), fill };
}

/** Where the window of an output pixel begins, along each axis. */
export function cornerOf(k: KernelBuilder, { axes }: Border, pixel: readonly Value[]): Value[] {
  return axes.map(({ stride, pad }, axis) => k.scaled(pixel[axis] as Value, stride, -pad));
}

/** Whether both hold; what is undefined always does. */
export function both(k: KernelBuilder, a: Value | undefined, b: Value | undefined): Value | undefined {
  return a && b ? k.and(a, b) : (a ?? b);
}

/** Whether place `tap` of a window that begins at `corner` is inside along an axis; undefined where all windows' are. */
export function isInside(
  k: KernelBuilder,
  { extent, dilation, pad, last, reach }: BorderAxis,
  corner: Value,
  tap: Value,
): Value | undefined {
  const known = constantOf(tap);
  const [least, most] = known === undefined ? [0, reach] : [known * dilation, known * dilation];
  const index = k.add(corner, k.scaled(tap, dilation));
  return both(
    k,
    least < pad ? k.cmp('ge', index, k.index(0)) : undefined,
    last + most >= extent ? k.cmp('lt', index, k.index(extent)) : undefined,
  );
}

/** Whether place `tap` of a window is inside along all axes. */
export function isInsideAll(
  k: KernelBuilder,
  { axes }: Border,
  corner: readonly Value[],
  tap: readonly Value[],
): Value | undefined {
  return axes.reduce<Value | undefined>(
    (all, one, axis) => both(k, all, isInside(k, one, corner[axis] as Value, tap[axis] as Value)),
    undefined,
  );
}

/** An index that may be read: the operand's first element stands for what is outside. */
export function readable(k: KernelBuilder, inside: Value | undefined, index: Value): Value {
  return inside ? k.select(inside, index, k.index(0)) : index;
}

/** What was read where `inside` holds, else what stands outside. A word of codes is taken whole. */
export function filled(k: KernelBuilder, inside: Value | undefined, loaded: Value, fill: number): Value {
  if (!inside) return loaded;
  const [element, lanes] = [elementOf(loaded), lanesOf(loaded)];
  if (lanes === 1) return k.select(inside, loaded, k.constant(fill, element));
  if (lanes * bytesOf(element) === 4) {
    const word = k.select(inside, k.joinWord(loaded), k.joinWord(k.constant(fill, element, loaded)));
    return k.splitWord(word, element);
  }
  return k.select(k.splat(inside, lanes), loaded, k.constant(fill, element, loaded));
}
