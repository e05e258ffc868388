import { type Module, type Op, Rewriter, type Value } from '../../../src/ir/index.ts';
import type { PassContext } from '../../../src/pass/define.ts';
import { applyGreedily } from '../../../src/rewrite/index.ts';
import { isFloatLayer } from '../../../src/scheme/index.ts';
import type { HostTensor } from '../../../src/support/tensor.ts';
import { sampleRows } from '../../calibrate/sampleRows.ts';
import { LayerSchemes } from '../../quantize/layerSchemes.ts';
import { applyBetter, type Candidate } from '../applyBetter.ts';
import type { InputRows } from '../layerError.ts';
import { weightsOf } from '../structure/channelLayer.ts';
import type { FoundSites, RotationSite } from '../structure/rotationSites.ts';
import { ConstantEdits } from './constantEdits.ts';
import { type ChannelMatrix, centring, mapAxis } from './orthogonal.ts';
import { layersOf, siteError } from './siteError.ts';

/** The matrix for blocks of so many channels; `rows` are what layers read of them, `weights` what they multiply them by. */
export type MatrixOf = (block: number, rows: readonly InputRows[], weights: readonly HostTensor[]) => ChannelMatrix;

/** Sends all constants of a site through its map; the norms behind them need not centre any more. */
export function rotate(edits: ConstantEdits, { channels, centred }: RotationSite, map: ChannelMatrix): void {
  for (const use of centred) {
    const { shape } = edits.numbers(use.op, use.index);
    edits.apply([use], centring(shape[use.axis] as number));
  }
  edits.apply([...channels.writers, ...channels.readers], map);
}

/** Tells the norms of a site that the mean of what they read is zero. */
export function uncentre({ norms }: RotationSite): void {
  const rewriter = new Rewriter();
  for (const norm of norms) rewriter.setAttributes(norm, { center: false });
}

/**
 * Rotates each site for which what rounding does behind it becomes smaller on calibration rows; reports the others, and the places that the graph does not allow.
 * @param method its name, for reports
 * @throws QcError without calibration samples
 */
export async function rotateSites(
  module: Module,
  method: string,
  found: FoundSites,
  matrixOf: MatrixOf,
  { recipe, skip, always }: { readonly recipe: string; readonly skip: readonly string[]; readonly always: boolean },
  context: PassContext,
): Promise<void> {
  const schemes = new LayerSchemes(module, recipe, skip);
  for (const { where, refused } of found.refused) context.report(`${where}: ${method} is refused: ${refused}`);
  const layers = (site: RotationSite) => {
    const { readers, writers } = layersOf(site);
    return [...new Set([...readers, ...writers])];
  };
  const read = found.sites.flatMap((site) => [...layers(site), ...site.channels.norms]);
  const inputs = [...new Set(read.map((op) => op.operand(0)))];
  const rows = inputs.length > 0 ? await sampleRows(module, inputs, context, method) : new Map<Value, InputRows>();
  const rounded = found.sites.filter((site) => layers(site).some((layer) => !isFloatLayer(schemes.of(layer))));
  const candidateFor = (site: RotationSite): Candidate => {
    const readers = new Set(layersOf(site).readers);
    const inputOf = (layer: Op) => rows.get(layer.operand(0)) as InputRows;
    const values = new Set([...readers].map((layer) => layer.operand(0)));
    const map = matrixOf(
      site.channels.block,
      [...values].map((value) => rows.get(value) as InputRows),
      [...readers].map(weightsOf),
    );
    const after = new ConstantEdits();
    rotate(after, site, map);
    const turned = (layer: Op) => (readers.has(layer) ? mapped(inputOf(layer), map) : inputOf(layer));
    const errorOf = (edits: ConstantEdits, input: typeof inputOf) =>
      siteError(site, edits, input, (layer) => schemes.of(layer));
    return {
      where: site.where,
      errors: () => [errorOf(new ConstantEdits(), inputOf), errorOf(after, turned)],
      apply() {
        after.commit();
        uncentre(site);
      },
    };
  };
  applyBetter(method, rounded, candidateFor, always, context.report);
  // constants that nothing reads any more
  applyGreedily(module.main.body, []);
}

/** Rows with their channels sent through a map. */
export function mapped({ rows, count }: InputRows, map: ChannelMatrix): InputRows {
  const data = Float64Array.from(rows);
  mapAxis(data, [count, rows.length / count], 1, map);
  return { rows: Float32Array.from(data), count };
}
