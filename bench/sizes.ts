import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { Artifact } from '../src/index.ts';
import type { BenchModel } from './models.ts';

/** Bytes that a page must load. */
export interface Sizes {
  /** Instructions without weights, and the script. */
  readonly code: number;
  readonly script: number;
  readonly weights: number;
  readonly gzipped: number;
}

const gzipped = (bytes: Uint8Array) => gzipSync(bytes, { level: 9 }).length;

/** The weights alone, of an artifact that has them in a file of their own. */
export const gzippedWeights = ({ files }: Artifact): number => gzipped(files.get('model.bin') ?? new Uint8Array());

export function sizesOf({ files, manifest }: Artifact): Sizes {
  const loaded = [...files].filter(([name]) => /\.(wasm|js|bin)$/.test(name));
  return {
    code: manifest.codeBytes ?? 0,
    script: files.get('model.js')?.length ?? 0,
    weights: manifest.weightsBytes,
    gzipped: loaded.reduce((sum, [, bytes]) => sum + gzipped(bytes), 0),
  };
}

/** onnxruntime-web's smallest build for the CPU, and the model. */
export function ortWebSizes(model: BenchModel): Sizes {
  const read = (name: string) => readFileSync(new URL(`../node_modules/onnxruntime-web/dist/${name}`, import.meta.url));
  const code = read('ort-wasm-simd-threaded.wasm');
  const script = read('ort.wasm.bundle.min.mjs');
  return {
    code: code.length,
    script: script.length,
    weights: model.onnx.bytes.length,
    gzipped: gzipped(code) + gzipped(script) + gzipped(model.onnx.bytes),
  };
}
