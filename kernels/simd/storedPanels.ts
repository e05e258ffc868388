import { type KernelBuilder, packCodes } from '../../dialects/kernel/index.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { Resource, type StoredSpan, spanOutputs, staticShape, tensor, type Value } from '../../src/ir/index.ts';
import { type CodeLayout, layoutBytes, type PanelSpec, panelLayout } from '../../src/numerics/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { tensorType } from '../cluster.ts';
import type { KernelContext } from '../plan.ts';
import { type PanelPlaces, panelPlaces } from './panelPlaces.ts';

/** Outputs of a weight matrix in panels: the codes, and the numbers that stand beside them for each group and output. */
export interface StoredPanels {
  readonly layout: CodeLayout;
  readonly width: number;
  readonly panels: number;
  readonly codes: Value;
  /** [panel][group][output in panel]: f32, or bytes. */
  readonly scales: Value;
  /** Laid out like the scales; undefined where all are the same. */
  readonly zeros: Value | undefined;
  readonly places: PanelPlaces;
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

/** Packs outputs of a constant weight matrix, all of one width, for a kernel. */
export function packPanels(
  context: KernelContext,
  weights: Value,
  span: StoredSpan,
  { divisor, steps, zeros: zeroElement, ...shape }: PanelShape,
): StoredPanels {
  const { rewriter } = context;
  const [, all] = staticShape(tensorType(weights)) as [number, number];
  const columns = span.outputs.length;
  const { group, groups, offset, scale, zero, commonZero } = span.stored;
  const { planes, width, vectorColumns, vectorDepth } = shape;
  invariant(columns === all || spanOutputs % width === 0, 'panels lie within the outputs of one width');
  const spec: PanelSpec = { ...shape, columns, groups, depth: group };
  const layout = panelLayout(spec);
  const panels = Math.ceil(columns / width);
  const codes = rewriter.create(
    packCodes,
    { x: weights },
    {
      group,
      planes,
      width,
      columns: vectorColumns,
      depth: vectorDepth,
      offset,
      ...(columns === all ? {} : { outputs: span.outputs }),
    },
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
    places: panelPlaces(context, span, width, name),
  };
}

/** What a kernel reads of panels, in the order in which `readPanels` declares it. */
export function readsOf({ codes, scales, zeros, places }: StoredPanels): Value[] {
  return [codes, scales, zeros, places.table].filter((v) => v !== undefined);
}

/** Buffers of panels in a kernel. */
export interface PanelBuffers {
  readonly layout: CodeLayout;
  readonly packed: Value;
  readonly scales: Value;
  readonly zeros: Value | undefined;
  /** The first output of a panel. */
  readonly columnOf: (panel: Value) => Value;
}

/** Declares the buffers of the panels of a span, the `i`th of `count`. */
export function readPanels(
  k: KernelBuilder,
  context: KernelContext,
  { layout, codes, scales, zeros, places }: StoredPanels,
  [i, count]: readonly [number, number],
): PanelBuffers {
  const input = (name: string, value: Value) => context.input(k, count === 1 ? name : `${name}${i}`, value);
  const packed = input('w', codes);
  const beside = { scales: input('scales', scales), zeros: zeros && input('zeros', zeros) };
  const table = places.table && input('places', places.table);
  return { layout, packed, ...beside, columnOf: (panel) => places.columnOf(k, panel, table) };
}
