import { type SampledRows, sampleRows } from '../../passes/calibrate/sampleRows.ts';
import { ConstantEdits } from '../../passes/transform/rotation/constantEdits.ts';
import { transformInput } from '../../passes/transform/rotation/inputs.ts';
import { karhunenLoeve, randomHadamard, randomOrthogonal } from '../../passes/transform/rotation/orthogonal.ts';
import { orders } from '../../passes/transform/rotation/reorder.ts';
import { type MatrixOf, rotate, uncentre } from '../../passes/transform/rotation/rotateSites.ts';
import { transformScores } from '../../passes/transform/rotation/scores.ts';
import { saliences } from '../../passes/transform/scaling/awq.ts';
import { absorptions } from '../../passes/transform/scaling/biasAbsorption.ts';
import { applyMap } from '../../passes/transform/scaling/channelMap.ts';
import type { Candidates } from '../../passes/transform/scaling/chooseMap.ts';
import { equalizations } from '../../passes/transform/scaling/crossLayer.ts';
import { suppressions } from '../../passes/transform/scaling/outlierSuppression.ts';
import { oneRanges } from '../../passes/transform/scaling/repQuant.ts';
import { smoothings } from '../../passes/transform/scaling/smoothQuant.ts';
import { weightsOf } from '../../passes/transform/structure/channelLayer.ts';
import { linearGroups } from '../../passes/transform/structure/linearGroups.ts';
import {
  type BlockOf,
  type FoundSites,
  headValues,
  layerInputs,
  orderedChannels,
  residualStreams,
  rotaryScores,
} from '../../passes/transform/structure/rotationSites.ts';
import type { Block, Module, Op, Value } from '../../src/ir/index.ts';
import { hadamardPart } from '../../src/numerics/index.ts';
import type { PassContext } from '../../src/pass/define.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

/** What was done to a module. */
export interface Applied {
  readonly places: number;
  /** The new constants, before they were rounded to f32. */
  readonly exact: ReadonlyMap<Value, HostTensor>;
}

/** A transform at every place that a module has for it, whatever it does to errors. */
export type Kind = (module: Module, context: PassContext) => Promise<Applied>;

/** For each group that has candidates, the one in their middle: the first ones change little. */
const scaled =
  (candidates: Candidates): Kind =>
  async (module, context) => {
    const groups = linearGroups(module.main.body);
    const axes = new Map(groups.map(({ value, axis }) => [value, axis]));
    const rows = groups.length > 0 ? await sampleRows(module, axes, context, 'a transform') : new Map();
    const edits = new ConstantEdits();
    let places = 0;
    for (const group of groups) {
      const maps = [...candidates(group, rows.get(group.value) as SampledRows)];
      const map = maps[maps.length >> 1];
      if (!map) continue;
      applyMap(edits, group, map);
      places++;
    }
    return { places, exact: edits.commit() };
  };

const rotated =
  (find: (block: Block) => FoundSites, matrixOf: MatrixOf): Kind =>
  async (module, context) => {
    const { sites } = find(module.main.body);
    const readersOf = (site: (typeof sites)[number]): Op[] => site.channels.readers.map(({ op }) => op);
    const read = [...new Set(sites.flatMap((site) => readersOf(site).map((op) => op.operand(0))))];
    const rows = read.length > 0 ? await sampleRows(module, read, context, 'a transform') : new Map();
    const edits = new ConstantEdits();
    for (const site of sites) {
      const values = [...new Set(readersOf(site).map((op) => op.operand(0)))];
      const inputs = values.map((value) => rows.get(value) as SampledRows);
      rotate(edits, site, matrixOf(site.channels.block, inputs, readersOf(site).map(weightsOf)));
    }
    const exact = edits.commit();
    for (const site of sites) uncentre(site);
    return { places: sites.length, exact };
  };

const whole: BlockOf = (channels) => channels;
const by32: BlockOf = (channels) => (channels % 32 === 0 ? 32 : channels);
const hadamard = (seed: number): MatrixOf => {
  return (block) => randomHadamard(block, seed);
};

/** Every transform. */
export const kinds = {
  smoothquant: scaled(smoothings([0.5, 0.65, 0.8])),
  'outlier-suppression': scaled(suppressions(6)),
  awq: scaled(saliences(20)),
  'equalize-layers': scaled(equalizations),
  'absorb-biases': scaled(absorptions),
  repquant: scaled(oneRanges),
  'reorder-channels': rotated(orderedChannels, orders.activations),
  'rotate-residual': rotated((block) => residualStreams(block, whole), hadamard(1)),
  'rotate-residual, blocks of 32': rotated(
    (block) => residualStreams(block, by32),
    (block) => randomOrthogonal(block, 2),
  ),
  'rotate-residual, KLT': rotated(
    (block) => residualStreams(block, whole),
    (block, rows) =>
      karhunenLoeve(
        block,
        rows.map((one) => one.rows),
        4,
      ),
  ),
  'rotate-heads': rotated((block) => headValues(block, whole), hadamard(3)),
  'rotate-scores': async ({ main }) => {
    const places = rotaryScores(main.body);
    for (const place of places) transformScores(place, hadamardPart(place.channels));
    return { places: places.length, exact: new Map() };
  },
  'rotate-inputs': async ({ main }) => {
    const places = layerInputs(main.body, whole);
    const constants = places.flatMap((place) => {
      const block = hadamardPart(place.channels);
      return block > 1 ? [...transformInput(place, block)] : [];
    });
    return { places: places.length, exact: new Map(constants) };
  },
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof kinds;

export const kindNames = Object.keys(kinds) as KindName[];
