import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statfsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeModel, type TensorProto, tensorInfo, tensorProto } from '../../src/onnx/proto/index.ts';
import { root } from '../source-files.ts';

/** Layers y = x·W, each with a W of 64 MB: 3 GB in a file beside the model. */
const layers = 48;
const width = 4096;
const layerBytes = 4 * width * width;
/** Megabytes. */
const mostMemory = 1000;

const { bavail, bsize } = statfsSync(tmpdir());
/** The data is a hole in a file, which takes no room where the file system knows holes. */
const isRoomy = bavail * bsize > 2 * layers * layerBytes;

function externalTensor(name: string, offset: number): TensorProto {
  return {
    name,
    dims: [BigInt(width), BigInt(width)],
    dataType: 1,
    packed: new Map(),
    stringData: [],
    external: [
      { key: 'location', value: 'weights.bin' },
      { key: 'offset', value: String(offset) },
      { key: 'length', value: String(layerBytes) },
    ],
  };
}

/** A chain of layers, of which the model's output is that of layer `last`. */
function chain(last: number, count = layers, weights = externalTensor): Uint8Array {
  const nodes = Array.from({ length: count }, (_, i) => ({
    ...{ name: `layer${i}`, opType: 'MatMul', domain: '', overload: '', attributes: [] },
    inputs: [`x${i}`, `w${i}`],
    outputs: [`x${i + 1}`],
  }));
  return encodeModel({
    ...{ irVersion: 8, producerName: '', producerVersion: '', domain: '', modelVersion: 0n },
    opsetImports: [{ domain: '', version: 17 }],
    graph: {
      ...{ name: 'g', nodes, sparseInitializers: [], valueInfos: [] },
      initializers: nodes.map((_, i) => weights(`w${i}`, i * layerBytes)),
      inputs: [tensorInfo('x0', 'f32', [1, width])],
      outputs: [tensorInfo(`x${last + 1}`, 'f32', [1, width])],
    },
    ...{ functions: [], metadata: [] },
  });
}

/** Runs a command in a folder, and gives the most memory that it held. */
function qc(folder: string, ...args: string[]): { out: string; megabytes: number } {
  const watcher = fileURLToPath(new URL('peakMemory.ts', import.meta.url));
  const peak = join(folder, 'peak.txt');
  const command = ['--no-warnings', '--import', watcher, join(root, 'src/cli/main.ts'), ...args];
  const env = { ...process.env, QC_PEAK_FILE: peak };
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: folder, encoding: 'utf8', env });
  expect(status, stderr).toBe(0);
  return { out: stdout, megabytes: Number(readFileSync(peak, 'utf8')) };
}

describe.skipIf(!isRoomy)('a model with 3 GB of external weights (skipped: too little room on the disk)', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'qc-big-'));
    writeFileSync(join(folder, 'weights.bin'), '');
    truncateSync(join(folder, 'weights.bin'), layers * layerBytes);
    writeFileSync(join(folder, 'whole.onnx'), chain(layers - 1));
    writeFileSync(join(folder, 'cut.onnx'), chain(0));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is inspected', () => {
    const { out, megabytes } = qc(folder, 'inspect', 'whole.onnx');
    expect(out).toMatch(/parameters +805\.3 M/);
    expect(megabytes).toBeLessThan(mostMemory);
  });

  it('is printed', () => {
    const { out, megabytes } = qc(folder, 'opt', 'whole.onnx');
    expect(out.match(/nn\.matmul/g)).toHaveLength(layers);
    expect(megabytes).toBeLessThan(mostMemory);
  });

  it('goes through passes', () => {
    const { out, megabytes } = qc(folder, 'opt', '--pipeline', 'fold-constants,canonicalize', 'whole.onnx');
    expect(out.match(/nn\.matmul/g)).toHaveLength(layers);
    expect(megabytes).toBeLessThan(mostMemory);
  });

  it('compiles as far as its output needs it: one layer', () => {
    const { megabytes } = qc(folder, 'compile', 'cut.onnx', '--target', 'wasm', '-o', 'program');
    expect(statSync(join(folder, 'program/cut.wasm')).size).toBeGreaterThan(layerBytes);
    expect(megabytes).toBeLessThan(mostMemory);
  });
});

describe('the import of a model with its weights inside', () => {
  /** Layers of 64 MB, all in the file. */
  const count = 4;
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'qc-inside-'));
    const data = new Float32Array(width * width).fill(0.5);
    const weights = (name: string) => tensorProto(name, { dtype: 'f32', shape: [width, width], data });
    writeFileSync(join(folder, 'model.onnx'), chain(count - 1, count, weights));
    writeFileSync(join(folder, 'none.onnx'), chain(-1, 0, weights));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('takes less than 1.3 times the memory of what is held', () => {
    const before = qc(folder, 'inspect', 'none.onnx').megabytes;
    const { megabytes } = qc(folder, 'inspect', 'model.onnx');
    expect(megabytes - before).toBeLessThan(1.3 * (statSync(join(folder, 'model.onnx')).size / 2 ** 20));
  });
});
