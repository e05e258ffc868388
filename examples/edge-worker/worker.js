// An edge worker: the module is imported, because workers compile nothing at run time.

import { load } from './model.js';
import wasm from './model.wasm';

const loading = load({ wasm });

export default {
  /** Takes an input as 32-bit floats, gives the scores as JSON. */
  async fetch(request) {
    if (request.method !== 'POST') return new Response('POST the input as 32-bit floats\n', { status: 405 });
    const model = await loading;
    const [input] = model.signature.inputs;
    const [output] = model.signature.outputs;
    try {
      const numbers = new Float32Array(await request.arrayBuffer());
      const scores = model.run({ [input.name]: numbers })[output.name];
      return Response.json({ answer: scores.indexOf(Math.max(...scores)), scores: Array.from(scores) });
    } catch (error) {
      return new Response(`${error.message}\n`, { status: 400 });
    }
  },
};
