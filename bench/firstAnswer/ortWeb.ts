// First answer of onnxruntime-web in a fresh process. Arguments: the model, input file, the input's name and shape.
import { readFileSync } from 'node:fs';
import { floats, printAnswer } from './script.ts';

const [path = '', inputFile = '', input = '', shape = ''] = process.argv.slice(2);
const data = floats(readFileSync(inputFile));
const start = performance.now();
const { env, InferenceSession, Tensor } = await import('onnxruntime-web');
env.wasm.numThreads = 1;
env.logLevel = 'error';
const session = await InferenceSession.create(readFileSync(path), { executionProviders: ['wasm'] });
const results = await session.run({ [input]: new Tensor('float32', data, shape.split('x').map(Number)) });
printAnswer(start, (results[session.outputNames[0] ?? '']?.data as Float32Array) ?? []);
