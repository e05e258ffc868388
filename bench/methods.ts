/** Compares methods on the dev parts of the shared data: `node --no-warnings bench/methods.ts`. See --help. */
import { parseArgs } from 'node:util';
import { isPresent, measure, modelsFolder } from './accuracy/measure.ts';
import { experiments } from './methods/experiments.ts';
import { kib, markdown } from './table.ts';

const help = `node --no-warnings bench/methods.ts [options] [experiment …]

${experiments.map(({ name, title }) => `  ${name.padEnd(12)} ${title}`).join('\n')}

  --models A,B   of the experiments' models; default: all
  --rows N       samples of each dev part, spread over it; default: 128`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    models: { type: 'string' },
    rows: { type: 'string', default: '128' },
    help: { type: 'boolean', default: false },
  },
});

async function report(): Promise<void> {
  const models = values.models?.split(',');
  for (const { name, title, tasks, schemes } of experiments) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    console.log(`## ${title}\n`);
    const rows: string[][] = [];
    for (const task of tasks.filter((one) => models?.includes(one.name) ?? true)) {
      const results = await measure(task, schemes, {
        rows: Number(values.rows),
      });
      for (const { model, scheme, samples, score, snr, weightsBytes } of results) {
        const [value, float] = [score?.value ?? Number.NaN, score?.float ?? Number.NaN];
        rows.push([
          model,
          scheme,
          `${samples}`,
          score?.title ?? '',
          value.toFixed(4),
          float.toFixed(4),
          `${snr.toFixed(2)} dB`,
          kib(weightsBytes),
        ]);
      }
      console.error(`measured ${task.name}`);
    }
    console.log(markdown(['model', 'weights', 'samples', 'score', 'value', 'float', 'SNR', 'constants'], rows), '\n');
  }
}

if (values.help) console.log(help);
else if (!isPresent) console.log(`skipped: ${modelsFolder} is absent`);
else await report();
