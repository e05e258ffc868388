import { foldView, type GraphView, viewOf } from '../../graph/index.ts';
import type { Module, Op } from '../../ir/index.ts';
import type { Sample } from '../../pass/index.ts';
import { type Recipe, recipeName, recipeOf, type SchemeName } from '../../scheme/index.ts';
import type { Limits } from '../../support/limits.ts';
import { type CalibrationOptions, hasCalibration } from '../calibration.ts';
import { copyPrepared, finish, prepare } from '../compile.ts';
import { diagnose, type LayerDiagnosis } from '../diagnose.ts';
import { bindDimensions, type Dimensions } from '../dimensions.ts';
import { backends } from '../emit.ts';
import { type Evaluation, evaluate } from '../evaluate.ts';
import { explainLaunches, type LaunchExplanation } from '../explain/launches.ts';
import type { LayerQuantization } from '../layers.ts';
import { runPipeline, stagesFor } from '../pipeline.ts';
import { profile } from '../profile.ts';
import { copyModule } from '../read.ts';
import { describeLayers, type LayerReport } from './layers.ts';
import { type ArenaReport, arenaOf } from './memory.ts';

export interface ReportOptions extends CalibrationOptions {
  /** The scheme that layers are shown under. Default `w8a8` with calibration samples, else `float`. */
  readonly scheme?: SchemeName | Recipe | undefined;
  /** Schemes that are measured side by side with it. */
  readonly beside?: readonly (SchemeName | Recipe)[];
  /** Samples to measure on: every scheme on all of them, layers on the first. */
  readonly dataset?: readonly Sample[];
  readonly dims?: Dimensions;
  readonly keepFloat?: readonly string[];
  /** What the model may come to at most, where it is not the default. */
  readonly limits?: Partial<Limits>;
  readonly report?: ((line: string) => void) | undefined;
}

/** Everything that the page of a report shows. */
export interface Report {
  readonly name: string;
  readonly scheme: string;
  readonly graph: ReportGraph;
  readonly layers: readonly LayerReport[];
  /** Of the quantized layers, worst first; empty for float. */
  readonly diagnosis: readonly LayerDiagnosis[];
  readonly quantization: readonly LayerQuantization[];
  readonly launches: readonly (LaunchExplanation & { readonly median: number })[];
  readonly arena: ArenaReport;
  readonly evaluation: Evaluation | undefined;
  readonly multiplyAdds: number;
  readonly integerShare: number;
  readonly sizes: { readonly files: number; readonly weights: number; readonly ram: number };
}

/** The float model's graph, folded, and its groups by the ids of the nodes that stand for them. */
export interface ReportGraph {
  readonly view: GraphView;
  readonly groups: Readonly<Record<string, GraphView>>;
}

/** Samples on which the layers' values are shown, and on which the error of each layer is measured. */
const shownSamples = 4;
const diagnosedSamples = 2;

/**
 * Gathers what a report shows: the graph, every layer's weights and values with their codes, its error alone and in
 * all, the memory plan, the time of every launch from a run, and schemes side by side. The module is not changed.
 *
 * @throws QcError when the model or the data does not fit
 */
export async function gatherReport(module: Module, name: string, options: ReportOptions = {}): Promise<Report> {
  const { dataset = [], dims = {}, keepFloat = [], report = () => {} } = options;
  const scheme = options.scheme ?? (hasCalibration(options) ? 'w8a8' : 'float');
  const schemeName = recipeName(recipeOf(scheme));
  const copy = () => copyModule(module);

  report('describing layers');
  const float = copy();
  await bindDimensions(float, dims, report);
  await runPipeline(float, stagesFor('float').model);
  const layers = describeLayers(float, dataset.slice(0, shownSamples));

  report(`compiling ${schemeName}`);
  const prepared = await prepare(copy(), { ...options, scheme, dims, keepFloat, report });
  const planned = copyPrepared(prepared);
  const { target } = backends.wasm;
  await runPipeline(planned.module, planned.kernels, { target });
  const explained = explainLaunches(planned.module, target);
  const arena = arenaOf(planned.module);
  const artifact = await finish(prepared, { target: 'wasm', name: 'model' });
  const { launches: timed } = await profile(artifact.files, { budget: 2000 });
  const { manifest } = artifact;

  const quantizes = scheme !== 'float' && dataset.length > 0;
  const diagnosis = quantizes
    ? await diagnose(copy(), {
        ...options,
        scheme,
        dims,
        keepFloat,
        report,
        dataset: dataset.slice(0, diagnosedSamples),
      })
    : undefined;
  const { view, groups } = foldView(viewOf(float, name, errorByOp(float, diagnosis?.layers ?? [])));
  const schemes = [scheme, ...(options.beside ?? [])].filter((one) => one !== 'float');
  const evaluation = quantizes
    ? await evaluate(copy(), { ...options, schemes, dataset, dims, keepFloat, report })
    : undefined;
  return {
    name,
    scheme: schemeName,
    graph: { view, groups: Object.fromEntries(groups) },
    layers,
    diagnosis: diagnosis?.layers ?? [],
    quantization: prepared.quantization.layers,
    launches: explained.map((one, i) => ({ ...one, median: timed[i]?.median ?? 0 })),
    arena,
    evaluation,
    multiplyAdds: manifest.multiplyAdds,
    integerShare: manifest.integerShare,
    sizes: {
      files: Object.values(manifest.files).reduce((sum, { bytes }) => sum + bytes, 0),
      weights: manifest.weightsBytes,
      ram: manifest.ramBytes,
    },
  };
}

/** The cumulative error of each diagnosed layer, at its last op. */
function errorByOp({ main }: Module, layers: readonly LayerDiagnosis[]): Map<Op, number> {
  const last = new Map([...main.body.ops()].map((op) => [op.source, op]));
  return new Map(
    layers.flatMap(({ node, cumulative }) => {
      const op = last.get(node);
      return op ? [[op, cumulative.snr] as const] : [];
    }),
  );
}
