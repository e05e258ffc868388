// Runs an artifact and prints hashes of its outputs. Plain JavaScript, since Node 20 runs it too.
// Arguments: folder with model.js and input.bin (rows of f32, one after the other), then instruction paths to try.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [folder, ...paths] = process.argv.slice(2);
const { load } = await import(pathToFileURL(`${folder}/model.js`).href);
const values = new Float32Array(Uint8Array.from(readFileSync(`${folder}/input.bin`)).buffer);

function hashesOf(model) {
  const [[name, { length }]] = Object.entries(model.views.inputs);
  const rows = [];
  for (let start = 0; start < values.length; start += length) {
    const outputs = model.run({ [name]: values.slice(start, start + length) });
    rows.push(
      Object.fromEntries(
        Object.entries(outputs).map(([key, data]) => [key, createHash('sha256').update(data).digest('hex')]),
      ),
    );
  }
  return rows;
}

const results = {};
for (const simd of paths) {
  try {
    const model = await load({ simd });
    results[simd] = { simd: model.simd, rows: hashesOf(model) };
  } catch (error) {
    results[simd] = { refused: error.message };
  }
}
console.log(JSON.stringify(results));
