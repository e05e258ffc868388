import { readFileSync } from 'node:fs';
import { importOnnx, inputSignature, quantize } from '../../dist/src/index.js';

// Calibrates a model on so many samples, made one after the other, and prints the peak of this process up to then.
const [path = '', count = '0'] = process.argv.slice(2);
const module = importOnnx(new Uint8Array(readFileSync(path)));
const [input] = inputSignature(module);
const shape = input.shape.map((dim) => (typeof dim === 'number' ? dim : 1));
const size = shape.reduce((a, b) => a * b, 1);

function* samples() {
  for (let i = 0; i < Number(count); i++) {
    const data = Float32Array.from({ length: size }, (_, k) => Math.sin(0.013 * k * (1 + (i % 17))) * 0.9);
    yield { [input.name]: { dtype: 'f32', shape, data } };
  }
}

const dataset = { [Symbol.iterator]: samples };
let seconds = 0;
let started = process.cpuUsage();
let peakBytes = 0;
await quantize(module, {
  dataset,
  instruments: [
    {
      before() {
        started = process.cpuUsage();
      },
      after({ pass }) {
        if (pass.name !== 'calibrate') return;
        const { user, system } = process.cpuUsage(started);
        seconds = (user + system) / 1e6;
        peakBytes = process.resourceUsage().maxRSS * 1024;
      },
    },
  ],
});
console.log(JSON.stringify({ peakBytes, seconds }));
