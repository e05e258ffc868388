/**
 * Measures how well the schemes keep what models do, on the dev parts of the shared data: `npm run bench:accuracy`.
 * See --help.
 */
import { parseArgs } from 'node:util';
import type { SchemeName } from '../src/index.ts';
import { type Accuracy, isPresent, measure, modelsFolder } from './accuracy/measure.ts';
import { accuracyTable, updatedTable } from './accuracy/report.ts';
import { tasks } from './accuracy/tasks.ts';
import { writeMarkedTable } from './markedTable.ts';

const page = 'docs/calibration.md';

const help = `npm run bench:accuracy -- [options]

Calibrates each shared model on its calibration part, runs the compiled program on the dev part, and prints signal to
noise and the task's score beside float and beside the best row of onnxruntime's own quantizer.

  --models A,B    default: ${tasks.map(({ name }) => name).join(', ')}
  --schemes A,B   names of schemes, or a recipe in JSON; default: w8a8,int8
  --rows N        samples of each dev part, spread over it; default: all
  --exports       runs exported models in onnxruntime too
  --write         runs exported models too, and puts the rows of the measured models into ${page}
  --json          prints what was measured as JSON`;

const { values } = parseArgs({
  options: {
    models: { type: 'string' },
    schemes: { type: 'string', default: 'w8a8,int8' },
    rows: { type: 'string' },
    exports: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const schemesOf = (text: string) => (text.startsWith('{') ? [JSON.parse(text)] : (text.split(',') as SchemeName[]));

async function report(): Promise<void> {
  const names = values.models?.split(',');
  const unknown = names?.find((name) => !tasks.some((task) => task.name === name));
  if (unknown) throw new Error(`there is no model ${unknown}`);
  const results: Accuracy[] = [];
  for (const task of tasks.filter(({ name }) => names?.includes(name) ?? true)) {
    const rows = values.rows === undefined ? undefined : Number(values.rows);
    const found = await measure(task, schemesOf(values.schemes), { rows, exports: values.exports || values.write });
    results.push(...found);
    if (values.write) writeMarkedTable(page, 'npm run bench:accuracy', (lines) => updatedTable(lines, found));
    if (!values.json) console.error(`measured ${task.name}`);
  }
  console.log(values.json ? JSON.stringify(results, undefined, 2) : accuracyTable(results));
}

if (values.help) console.log(help);
else if (!isPresent) console.log(`skipped: ${modelsFolder} is absent`);
else {
  await report().catch((error: Error) => {
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
  });
}
