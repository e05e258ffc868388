import { type Module, type Op, Rewriter, type Value } from '../../../src/ir/index.ts';
import type { PassContext } from '../../../src/pass/define.ts';
import { applyGreedily } from '../../../src/rewrite/index.ts';
import { isFloatLayer } from '../../../src/scheme/index.ts';
import { sampleRows } from '../../calibrate/sampleRows.ts';
import { LayerSchemes } from '../../quantize/layerSchemes.ts';
import type { InputRows } from '../layerError.ts';
import type { FoundSites, RotationSite } from '../structure/rotationSites.ts';
import { ConstantEdits } from './constantEdits.ts';
import { type ChannelMatrix, centring, mapAxis } from './orthogonal.ts';
import { layersOf, siteError } from './siteError.ts';

/** The matrix for blocks of so many channels. */
export type MatrixOf = (block: number) => ChannelMatrix;

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
  { recipe, skip }: { readonly recipe: string; readonly skip: readonly string[] },
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
  let rotated = 0;
  for (const site of found.sites) {
    if (layers(site).every((layer) => isFloatLayer(schemes.of(layer)))) continue;
    const map = matrixOf(site.channels.block);
    const after = new ConstantEdits();
    rotate(after, site, map);
    const readers = new Set(layersOf(site).readers);
    const inputOf = (layer: Op) => rows.get(layer.operand(0)) as InputRows;
    const turned = (layer: Op) => (readers.has(layer) ? mapped(inputOf(layer), map) : inputOf(layer));
    const errorOf = (edits: ConstantEdits, input: typeof inputOf) =>
      siteError(site, edits, input, (layer) => schemes.of(layer));
    const [plain, error] = [errorOf(new ConstantEdits(), inputOf), errorOf(after, turned)];
    if (error < plain) {
      after.commit();
      uncentre(site);
      rotated++;
    } else {
      const factor = (error / plain).toPrecision(3);
      context.report(`${site.where}: ${method} is refused: it multiplies the error by ${factor}`);
    }
  }
  // constants that nothing reads any more
  applyGreedily(module.main.body, []);
  context.report(`${method}: ${rotated} of ${found.sites.length} places`);
}

/** Rows with their channels sent through a map. */
export function mapped({ rows, count }: InputRows, map: ChannelMatrix): InputRows {
  const data = Float64Array.from(rows);
  mapAxis(data, [count, rows.length / count], 1, map);
  return { rows: Float32Array.from(data), count };
}
