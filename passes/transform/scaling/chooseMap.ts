import { conv } from '../../../dialects/nn/conv.ts';
import type { Module, Op } from '../../../src/ir/index.ts';
import type { PassContext } from '../../../src/pass/define.ts';
import { type SampledRows, sampleRows } from '../../calibrate/sampleRows.ts';
import { LayerSchemes } from '../../quantize/layerSchemes.ts';
import { type LayerPart, layerWindows } from '../../quantize/layerWindows.ts';
import { ConstantEdits } from '../rotation/constantEdits.ts';
import { weightsOf } from '../structure/channelLayer.ts';
import { type LinearGroup, linearGroups } from '../structure/linearGroups.ts';
import { applyMap, type ChannelMap, dividedColumns, identityMap, scaledRows } from './channelMap.ts';
import { RoundedError } from './roundedError.ts';

/** Maps worth trying for a group. */
export type Candidates = (group: LinearGroup, sampled: SampledRows) => Iterable<ChannelMap>;

/**
 * For each group of a module the candidate with the smallest error on the calibration samples; none, which is reported,
 * where all make it larger.
 * @param method its name, for reports
 * @throws QcError without calibration samples
 */
export async function mapGroups(
  module: Module,
  method: string,
  candidates: Candidates,
  { recipe, skip }: { readonly recipe: string; readonly skip: readonly string[] },
  context: PassContext,
): Promise<void> {
  const schemes = new LayerSchemes(module, recipe, skip);
  const groups = linearGroups(module.main.body);
  if (groups.length === 0) {
    context.report(`${method}: the model has no place for it`);
    return;
  }
  const rows = await sampleRows(module, new Map(groups.map(({ value, axis }) => [value, axis])), context, method);
  const convolutions = groups.flatMap(({ layers }) => layers).filter((layer) => conv.is(layer));
  const windows = convolutions.length > 0 ? await layerWindows(module, convolutions, context, method) : new Map();
  let changed = 0;
  for (const group of groups) {
    const sampled = rows.get(group.value) as SampledRows;
    const partsOf = (layer: Op): readonly LayerPart[] =>
      windows.get(layer) ?? [{ rows: sampled, weights: weightsOf(layer) }];
    const error = new RoundedError(group.layers, (layer) => schemes.of(layer), partsOf);
    if (!error.isRounded) continue;
    if (!sampled.rows.every(Number.isFinite)) {
      context.report(`${group.value.op?.source}: ${method} is refused: calibration met a value that is no number`);
      continue;
    }
    const plain = error.of(identityMap(group.channels));
    const best = leastOf([...candidates(group, sampled)].filter(keepsWeights(group)), error);
    if (best && best.error < plain) {
      const edits = new ConstantEdits();
      applyMap(edits, group, best.map);
      edits.commit();
      changed++;
    } else if (best) {
      const why = plain > 0 ? `it multiplies the error by ${(best.error / plain).toPrecision(3)}` : 'there is no error';
      context.report(`${group.value.op?.source}: ${method} is refused: ${why}`);
    }
  }
  context.report(`${method}: ${changed} of ${groups.length} groups of layers`);
}

function leastOf(
  maps: readonly ChannelMap[],
  error: RoundedError,
): { readonly map: ChannelMap; readonly error: number } | undefined {
  let best: { readonly map: ChannelMap; readonly error: number } | undefined;
  const seen = new Set<string>();
  for (const map of maps) {
    const key = `${map.scale}|${map.shift}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const found = error.of(map);
    if (!best || found < best.error) best = { map, error: found };
  }
  return best;
}

/** Whether weights stay normal numbers of f32, so that powers of two scale them exactly. */
function keepsWeights({ layers, before }: LinearGroup): (map: ChannelMap) => boolean {
  const isNormal = (w: number) => w === 0 || (Math.abs(w) >= 2 ** -126 && Math.abs(w) < 2 ** 127);
  return ({ scale }) =>
    layers.every((layer) => scaledRows(layer, scale).every(isNormal)) &&
    (!before || dividedColumns(before, scale).every(isNormal));
}

/** The power of two nearest to x by ratio; x a positive normal f64. */
export function nearestPowerOfTwo(x: number): number {
  let power = 1;
  while (power * Math.SQRT2 < x) power *= 2;
  while (power > x * Math.SQRT2) power /= 2;
  return power;
}
