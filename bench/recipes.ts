/**
 * Compares all recipes on one decoder, and writes the table into docs/recipes.md: `node --no-warnings bench/recipes.ts`.
 * `--rows N` measures on as many windows of the dev text alone, and prints the table instead; `--recipes A,B` measures
 * these alone, and leaves the other rows as they are.
 */
import { parseArgs } from 'node:util';
import { metrics } from '../src/api/measure/metrics.ts';
import { evaluate, type MetricName, type Recipe, type SchemeEvaluation, type SchemeName } from '../src/index.ts';
import { isRecipeName, recipeNames, recipes } from '../src/scheme/index.ts';
import { isPresent, modelsFolder, moduleOf } from './accuracy/measure.ts';
import { tasks } from './accuracy/tasks.ts';
import { storyWindows } from './accuracy/texts.ts';
import { mergedTable, writeMarkedTable } from './markedTable.ts';
import { kib, markdown, number, percent } from './table.ts';

const page = 'docs/recipes.md';
/** What the marks of the table call this program. */
export const writer = 'bench/recipes.ts';

const length = 256;
const names = ['perplexity', 'agreement', 'snr'] as const satisfies readonly MetricName[];
const schemes: readonly SchemeName[] = ['w8a8', 'w4a8', 'w4a16', 'w3a16'];

/** The first column of the table, in order. */
export const comparedNames: readonly string[] = ['float', ...schemes, ...recipeNames];

/** The heads of its columns. */
export const columns: readonly string[] = [
  'recipe',
  ...names.map((name) => metrics[name].title),
  'constants',
  'integers',
  'a sample',
];

function cells({ scheme, metrics: found, weightsBytes, integerShare, milliseconds }: SchemeEvaluation): string[] {
  const values = names.map((name) => {
    const value = found[name]?.value;
    if (value === undefined) return '–';
    if (name === 'perplexity') return value.toPrecision(4);
    return name === 'agreement' ? `${(100 * value).toFixed(2)} %` : `${value.toFixed(1)} dB`;
  });
  return [`\`${scheme}\``, ...values, kib(weightsBytes), percent(integerShare), `${number(milliseconds)} ms`];
}

async function report(rows: number | undefined, wanted: readonly string[]): Promise<void> {
  const task = tasks.find(({ name }) => name === 'stories260K');
  if (!task) return;
  const windows = storyWindows('dev', length).slice(0, rows);
  const { schemes: measured } = await evaluate(moduleOf(task), {
    schemes: wanted.flatMap((name): (SchemeName | Recipe)[] =>
      isRecipeName(name) ? [recipes[name]] : isScheme(name) ? [name] : [],
    ),
    dims: task.dims ?? {},
    calibration: [...task.calibration()],
    dataset: windows.map(({ inputs }) => inputs),
    labels: {
      dtype: 'i32',
      shape: [windows.length, length],
      data: Int32Array.from(windows.flatMap(({ labels }) => labels)),
    },
    metrics: names,
  });
  const table = markdown(columns, measured.map(cells));
  if (rows !== undefined) {
    console.log(table);
    return;
  }
  writeMarkedTable(page, writer, (lines) =>
    mergedTable(
      lines,
      table,
      comparedNames.map((name) => `\`${name}\``),
    ),
  );
}

const isScheme = (name: string): name is (typeof schemes)[number] => (schemes as readonly string[]).includes(name);

if (import.meta.main) {
  const { values } = parseArgs({ options: { rows: { type: 'string' }, recipes: { type: 'string' } } });
  const wanted = values.recipes?.split(',') ?? comparedNames;
  if (isPresent) await report(values.rows === undefined ? undefined : Number(values.rows), wanted);
  else console.log(`skipped: ${modelsFolder} is absent`);
}
