import { packCodes } from '../../dialects/kernel/index.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { Resource, type StoredWeights, staticShape, tensor, type Value } from '../../src/ir/index.ts';
import { type CodeLayout, layoutBytes, type PanelSpec, panelLayout } from '../../src/numerics/index.ts';
import { tensorType } from '../cluster.ts';
import type { KernelContext } from '../plan.ts';

/** A weight matrix in panels: the codes, and the numbers that stand beside them for each group and output. */
export interface StoredPanels {
  readonly layout: CodeLayout;
  readonly width: number;
  readonly panels: number;
  readonly codes: Value;
  /** [panel][group][output in panel]: f32, or bytes. */
  readonly scales: Value;
  /** Laid out like the scales; undefined where all are the same. */
  readonly zeros: Value | undefined;
}

interface PanelShape {
  readonly planes: readonly number[];
  readonly width: number;
  readonly vectorColumns: number;
  readonly vectorDepth: number;
  /** Element type of zero points. */
  readonly zeros: 'i16' | 'i32';
  /** Scales are divided by it. */
  readonly divisor: number;
  /** Scales of groups as bytes, `steps(g, n)`, in place of the scales. */
  readonly steps?: ((g: number, n: number) => number) | undefined;
}

/** Packs a constant weight matrix for a kernel. */
export function packPanels(
  context: KernelContext,
  weights: Value,
  stored: StoredWeights,
  { divisor, steps, zeros: zeroElement, ...shape }: PanelShape,
): StoredPanels {
  const { rewriter } = context;
  const [, columns] = staticShape(tensorType(weights)) as [number, number];
  const { group, groups, offset, scale, zero, commonZero } = stored;
  const { planes, width, vectorColumns, vectorDepth } = shape;
  const spec: PanelSpec = { ...shape, columns, groups, depth: group };
  const layout = panelLayout(spec);
  const panels = Math.ceil(columns / width);
  const codes = rewriter.create(
    packCodes,
    { x: weights },
    { group, planes, width, columns: vectorColumns, depth: vectorDepth, offset },
    { types: [tensor([layoutBytes(layout)], 'u8')] },
  ).result;
  const { name } = constant.attributesOf(weights.op as NonNullable<Value['op']>).value;
  const beside = (what: string, element: 'f32' | 'i16' | 'i32' | 'u8', of: (g: number, n: number) => number): Value => {
    const numbers = Array.from({ length: panels * groups * width }, (_, i) => {
      const n = Math.floor(i / (groups * width)) * width + (i % width);
      return n < columns ? of(Math.floor(i / width) % groups, n) : 0;
    });
    const data = { f32: Float32Array, i16: Int16Array, i32: Int32Array, u8: Uint8Array }[element].from(numbers);
    const value = Resource.of(`${name}.${what}`, element, data);
    return rewriter.create(constant, {}, { value }, { types: [tensor([data.length], element)] }).result;
  };
  return {
    layout,
    width,
    panels,
    codes,
    scales: steps ? beside('steps', 'u8', steps) : beside('scales', 'f32', (g, n) => scale(g, n) / divisor),
    zeros: commonZero === undefined ? beside('zeros', zeroElement, zero) : undefined,
  };
}
