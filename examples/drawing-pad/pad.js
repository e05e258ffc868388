// Reads a digit while it is drawn: by the same model in WebAssembly and, where the browser has it, in WebGPU.
import { load as loadWasm } from './wasm/model.js';
import { load as loadWgsl } from './wgsl/model.js';

const size = 28;
const element = (id) => document.getElementById(id);
const pad = element('pad');
const context = pad.getContext('2d', { willReadFrequently: true });
context.lineWidth = pad.width / 14;
context.lineCap = 'round';
context.strokeStyle = 'white';

const small = new OffscreenCanvas(size, size).getContext('2d', { willReadFrequently: true });

/** The drawing as the model takes it: 28×28, white on black, from 0 to 1. */
function picture() {
  small.fillRect(0, 0, size, size);
  small.drawImage(pad, 0, 0, size, size);
  const { data } = small.getImageData(0, 0, size, size);
  return Float32Array.from({ length: size * size }, (_, i) => data[4 * i] / 255);
}

/** The models by where they run: each takes an input and gives scores, at once or later. */
const models = [];

async function add(name, loading) {
  try {
    const model = await loading;
    const [{ name: input }] = model.signature.inputs;
    const [{ name: output }] = model.signature.outputs;
    models.push({ name, run: async (x) => (await model.run({ [input]: x }))[output] });
  } catch (error) {
    models.push({ name, error: error.message });
  }
}

async function read() {
  const x = picture();
  const said = [];
  for (const { name, run, error } of models) {
    if (error) {
      said.push(`${name}: ${error}`);
      continue;
    }
    const start = performance.now();
    const scores = await run(x);
    said.push(`${name}: ${scores.indexOf(Math.max(...scores))} in ${(performance.now() - start).toFixed(1)} ms`);
    if (name === 'wasm') show(scores);
  }
  element('targets').textContent = said.join(' · ');
}

function show(scores) {
  element('answer').textContent = scores.indexOf(Math.max(...scores));
  const rows = Array.from(scores, (score) => {
    const row = document.createElement('li');
    row.style.setProperty('--share', score);
    row.textContent = `${(100 * score).toFixed(1)} %`;
    return row;
  });
  element('scores').replaceChildren(...rows);
}

function clear() {
  context.clearRect(0, 0, pad.width, pad.height);
  element('answer').textContent = '–';
  element('scores').replaceChildren();
}

pad.addEventListener('pointerdown', ({ offsetX, offsetY, pointerId }) => {
  pad.setPointerCapture(pointerId);
  context.beginPath();
  context.moveTo(offsetX, offsetY);
});
pad.addEventListener('pointermove', ({ offsetX, offsetY, buttons }) => {
  if (buttons === 0) return;
  context.lineTo(offsetX, offsetY);
  context.stroke();
});
pad.addEventListener('pointerup', read);
element('clear').addEventListener('click', clear);

await add('wasm', loadWasm());
await add('WebGPU', loadWgsl());
document.body.dataset.ready = 'true';
