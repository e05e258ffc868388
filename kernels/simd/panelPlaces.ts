import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { Resource, type StoredSpan, tensor, type Value } from '../../src/ir/index.ts';
import type { KernelContext } from '../plan.ts';

/** Where the results of a span's panels go. */
export interface PanelPlaces {
  /** The first output of each panel, where panels of other widths lie between them. */
  readonly table: Value | undefined;
  /** The first output of a panel; `table` is the buffer of the constant. */
  readonly columnOf: (k: KernelBuilder, panel: Value, table: Value | undefined) => Value;
}

/** The places of panels of `width` outputs. */
export function panelPlaces(
  { rewriter }: KernelContext,
  { outputs }: StoredSpan,
  width: number,
  name: string,
): PanelPlaces {
  const [first = 0] = outputs;
  if (outputs.every((n, i) => n === first + i)) {
    return { table: undefined, columnOf: (k, panel) => k.add(k.scaled(panel, width), k.index(first)) };
  }
  const data = Int32Array.from({ length: Math.ceil(outputs.length / width) }, (_, p) => outputs[p * width] as number);
  const value = Resource.of(`${name}.places`, 'i32', data);
  return {
    table: rewriter.create(constant, {}, { value }, { types: [tensor([data.length], 'i32')] }).result,
    columnOf: (k, panel, table) => k.convert(k.load(table as Value, panel), 'index'),
  };
}
