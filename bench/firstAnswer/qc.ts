// First answer of a compiled model in a fresh process. Arguments: folder of the artifact, folder of the inputs.
import { pathToFileURL } from 'node:url';
import { printAnswer, readInputs } from './script.ts';

const [artifact = '', folder = ''] = process.argv.slice(2);
const inputs = Object.fromEntries(Object.entries(readInputs(folder)).map(([name, { data }]) => [name, data]));
const start = performance.now();
const { load } = await import(pathToFileURL(`${artifact}/model.js`).href);
const model = await load();
printAnswer(start, Object.values(model.run(inputs))[0] as Float32Array);
