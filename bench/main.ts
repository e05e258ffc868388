// Measures compiled models beside the runtimes that people use. See --help.
import { parseArgs } from 'node:util';
import { describeMachine } from './machine.ts';
import { measureModel } from './measureModel.ts';
import { type BenchModel, benchModels } from './models.ts';
import { reportText } from './report.ts';

const help = `npm run bench -- [options]

Compiles models in float and w8a8, checks their results against onnxruntime-node, and times them interleaved
with onnxruntime-web and onnxruntime-node, all on one thread.

  --models A,B   models to measure; default: all that are here
  --quick        fewer and shorter rounds
  --json         prints JSON instead of tables`;

const { values } = parseArgs({
  options: {
    models: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function chosen(all: readonly BenchModel[]): readonly BenchModel[] {
  if (values.models === undefined) return all;
  return values.models.split(',').map((name) => {
    const model = all.find((one) => one.name === name);
    if (!model) throw new Error(`there is no model ${name}; there are ${all.map((one) => one.name).join(', ')}`);
    return model;
  });
}

if (values.help) {
  console.log(help);
} else {
  const effort = values.quick
    ? { rounds: 7, sliceMilliseconds: 40, processes: 3 }
    : { rounds: 21, sliceMilliseconds: 120, processes: 9 };
  const machine = await describeMachine();
  const results = [];
  for (const model of chosen(benchModels())) {
    console.error(`measuring ${model.name} …`);
    results.push(await measureModel(model, ['float', 'w8a8'], effort));
  }
  console.log(values.json ? JSON.stringify({ machine, results }, undefined, 2) : reportText(machine, results));
}
