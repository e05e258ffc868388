// First answer of a compiled model in a fresh process. Arguments: folder of the artifact, input file, input's name.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { floats, printAnswer } from './script.ts';

const [folder = '', inputFile = '', input = ''] = process.argv.slice(2);
const data = floats(readFileSync(inputFile));
const start = performance.now();
const { load } = await import(pathToFileURL(`${folder}/model.js`).href);
const model = await load();
const [output] = Object.values(model.run({ [input]: data })) as Float32Array[];
printAnswer(start, output ?? []);
