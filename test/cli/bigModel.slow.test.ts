import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statfsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeModel, type TensorProto, tensorInfo } from '../../src/onnx/proto/index.ts';
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

/** A chain of all layers, of which the model's output is that of layer `last`. */
function chain(last: number): Uint8Array {
  const nodes = Array.from({ length: layers }, (_, i) => ({
    ...{ name: `layer${i}`, opType: 'MatMul', domain: '', overload: '', attributes: [] },
    inputs: [`x${i}`, `w${i}`],
    outputs: [`x${i + 1}`],
  }));
  return encodeModel({
    ...{ irVersion: 8, producerName: '', producerVersion: '', domain: '', modelVersion: 0n },
    opsetImports: [{ domain: '', version: 17 }],
    graph: {
      ...{ name: 'g', nodes, sparseInitializers: [], valueInfos: [] },
      initializers: nodes.map((_, i) => externalTensor(`w${i}`, i * layerBytes)),
      inputs: [tensorInfo('x0', 'f32', [1, width])],
      outputs: [tensorInfo(`x${last + 1}`, 'f32', [1, width])],
    },
    ...{ functions: [], metadata: [] },
  });
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

  function qc(...args: string[]): { out: string; megabytes: number } {
    const watcher = fileURLToPath(new URL('peakMemory.ts', import.meta.url));
    const peak = join(folder, 'peak.txt');
    const command = ['--no-warnings', '--import', watcher, join(root, 'src/cli/main.ts'), ...args];
    const env = { ...process.env, QC_PEAK_FILE: peak };
    const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: folder, encoding: 'utf8', env });
    expect(status, stderr).toBe(0);
    return { out: stdout, megabytes: Number(readFileSync(peak, 'utf8')) };
  }

  it('is inspected', () => {
    const { out, megabytes } = qc('inspect', 'whole.onnx');
    expect(out).toMatch(/parameters +805\.3 M/);
    expect(megabytes).toBeLessThan(mostMemory);
  });

  it('is printed', () => {
    const { out, megabytes } = qc('opt', 'whole.onnx');
    expect(out.match(/nn\.matmul/g)).toHaveLength(layers);
    expect(megabytes).toBeLessThan(mostMemory);
  });

  it('goes through passes', () => {
    const { out, megabytes } = qc('opt', '--pipeline', 'fold-constants,canonicalize', 'whole.onnx');
    expect(out.match(/nn\.matmul/g)).toHaveLength(layers);
    expect(megabytes).toBeLessThan(mostMemory);
  });

  it('compiles as far as its output needs it: one layer', () => {
    const { megabytes } = qc('compile', 'cut.onnx', '--target', 'wasm', '-o', 'program');
    expect(statSync(join(folder, 'program/cut.wasm')).size).toBeGreaterThan(layerBytes);
    expect(megabytes).toBeLessThan(mostMemory);
  });
});
