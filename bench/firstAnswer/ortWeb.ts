// First answer of onnxruntime-web in a fresh process. Arguments: the model, the folder of the inputs.
import { readFileSync } from 'node:fs';
import { printAnswer, readInputs } from './script.ts';

const [path = '', folder = ''] = process.argv.slice(2);
const inputs = readInputs(folder);
const start = performance.now();
const { ortWeb } = await import('../peers/ortWeb.ts');
const session = await ortWeb({ bytes: readFileSync(path) });
printAnswer(start, Object.values(await session.run(inputs))[0] as Float32Array);
