/**
 * What each transform does to each shared model at all its places, written into docs/recipes.md:
 * `node --no-warnings bench/transforms.ts`. `--models A,B` leaves the rows of other models as they are.
 */
import { parseArgs } from 'node:util';
import { hasSharedModels, modelsFolder, sharedNames } from '../test/models/sharedSamples.ts';
import { mergedTable, writeMarkedTable } from './markedTable.ts';
import { markdown } from './table.ts';
import { type Comparison, compared } from './transforms/compare.ts';
import { kindNames } from './transforms/kinds.ts';

const heads = ['model', ...kindNames.map((kind) => `\`${kind}\``), 'in f64', 'in f32'];

async function rowOf(model: string): Promise<string[]> {
  const found: Comparison[] = [];
  for (const kind of kindNames) found.push(await compared(model, kind));
  const most = (of: (one: Comparison) => number) => Math.max(...found.map(of)).toExponential(1);
  const places = found.map((one) => (one.places > 0 ? `${one.places}` : '–'));
  return [model, ...places, most(({ exact }) => exact), most(({ f32 }) => f32)];
}

const { values } = parseArgs({ options: { models: { type: 'string' } } });
if (hasSharedModels) {
  for (const model of values.models?.split(',') ?? sharedNames) {
    const row = await rowOf(model);
    writeMarkedTable('docs/recipes.md', 'bench/transforms.ts', (lines) =>
      mergedTable(lines, markdown(heads, [row]), sharedNames),
    );
    console.error(`measured ${model}`);
  }
} else console.log(`skipped: ${modelsFolder} is absent`);
