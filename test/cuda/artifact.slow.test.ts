import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCuda, timeCuda } from '../../src/cli/host/cuda.ts';
import { type Artifact, compile, importOnnx, instantiate, parse } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { missing } from '../c/program.ts';
import { floats, modelOf, node } from '../state/model.ts';
import { missingShim, shimFlags } from './shim.ts';

const source = `
resource @w : i8[48] = random(1, -127, 127)
func @main(%x: tensor<3x8xi8>) -> (%y: tensor<3x6xi32>) {
  %w = nn.constant {value = @w} : tensor<8x6xi8>
  %0 = int.matmul %x, %w : tensor<3x6xi32> loc("*/ int evil; /* product")
  nn.return %0
}
`;
const make = (weights: 'inline' | 'external' = 'inline') =>
  compile(parse(source), { target: 'cuda', name: 'net', weights });

/** A folder of the test with an artifact's files. */
class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'qc-cuda-'));
  put(files: Iterable<readonly [string, string | Uint8Array]>): this {
    for (const [name, content] of files) writeFileSync(join(this.path, name), content);
    return this;
  }
  run(command: string, args: readonly string[] = [], environment: Record<string, string> = {}) {
    const env = { ...process.env, ...environment };
    const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: this.path, encoding: 'utf8', env });
    return { status, text: `${stdout}${stderr}${error?.message ?? ''}` };
  }
  /** Compiles C++ of the artifact into `program`. */
  build(...args: readonly string[]): void {
    const { status, text } = this.run('g++', [...shimFlags, '-O1', ...args, '-o', 'program']);
    expect(text).toBe('');
    expect(status).toBe(0);
  }
}

describe.skipIf(missingShim)(`a cuda artifact, on the CPU${missingShim}`, () => {
  const folders: Folder[] = [];
  const folder = () => {
    folders.push(new Folder());
    return folders.at(-1) as Folder;
  };
  afterAll(() => {
    for (const { path } of folders) rmSync(path, { recursive: true });
  });
  let artifact: Artifact;
  beforeAll(async () => {
    artifact = await make();
  });

  it('is the same files every time', async () => {
    expect([...artifact.files.keys()]).toEqual(['net.cu', 'net.h', 'CMakeLists.txt', 'manifest.json']);
    expect(artifact.files).toEqual((await make()).files);
    expect(artifact.manifest).toMatchObject({ target: 'cuda', c: { name: 'net', selftest: true } });
    expect(new TextDecoder().decode(artifact.files.get('net.cu'))).toContain('// * / int evil; / * product');
  });

  it.each(['inline', 'external'] as const)('tests itself, with weights %s', async (weights) => {
    const { files } = await make(weights);
    const here = folder().put(files);
    expect(files.has('net_weights.bin')).toBe(weights === 'external');
    here.build('-Dnet_MAIN', '-x', 'c++', 'net.cu');
    expect(here.run('./program')).toEqual({ status: 0, text: 'net: the self-test holds\n' });
    if (weights === 'external') {
      const wrong = Uint8Array.from(files.get('net_weights.bin') as Uint8Array, (byte) => byte ^ 1);
      expect(here.put([['net_weights.bin', wrong]]).run('./program')).toEqual({
        status: 7,
        text: 'net: the self-test gave other results than the compiler (no error)\n',
      });
    }
    expect(here.run('./program', [], { QC_NO_DEVICE: '1' })).toEqual({
      status: 2,
      text: 'net: there is no CUDA device, or no driver for it (no error)\n',
    });
    const { status, text } = here.run('./program', [], { QC_NO_MEMORY: '1' });
    expect([status, text]).toEqual([3, 'net: the device has not enough memory (no error)\n']);
  });

  it('is timed launch by launch', () => {
    const { manifest, files } = artifact;
    const { c: signature, launches } = manifest;
    if (!signature) throw new Error('the manifest describes the functions');
    const main = '#define net_TRACE\n#include "net.cu"\n#include "qc-main.cu"\n';
    const build = { compiler: 'g++', args: [...shimFlags, '-O1', '-x', 'c++', 'all.cpp', '-o', 'model'] };
    const given: HostTensor = { dtype: 'i8', shape: [3, 8], data: new Int8Array(24) };
    const source = { files: new Map([...files, ['all.cpp', new TextEncoder().encode(main)]]), signature };
    const times = timeCuda(source, launches.length, [given], { rounds: 4, budget: 1e6 }, build);
    expect(times.length).toBe(4);
    for (const run of times) {
      expect(run.length).toBe(launches.length);
      for (const microseconds of run) expect(microseconds).toBeGreaterThan(0);
    }
    const wrong = () => timeCuda(source, 1, [{ ...given, data: new Int8Array(23) }], { rounds: 1, budget: 0 }, build);
    expect(wrong).toThrow('bytes');
  });

  it('checks its pointers and allocates nothing after it is created', () => {
    const main = `
#include "net.cu"
#include <stdio.h>
int main()
{
  net_model model = {NULL, NULL};
  int8_t x[net_INPUT_X_COUNT] = {1, 2, 3};
  int32_t y[net_OUTPUT_Y_COUNT];
  printf("%d ", net_run(&model, x, y, NULL) == net_ERROR_NOT_CREATED);
  printf("%d ", net_create(NULL) == net_ERROR_NULL);
  printf("%d ", net_create(&model) == net_OK);
  const unsigned before = shim::allocations;
  printf("%d ", net_run(&model, NULL, y, NULL) == net_ERROR_NULL);
  for (int i = 0; i < 3; i++) printf("%d ", net_run(&model, x, y, NULL) == net_OK);
  printf("%d ", shim::allocations == before && before == 2);
  printf("%d ", net_destroy(&model) == net_OK && net_destroy(&model) == net_OK);
  printf("%d\\n", net_run(&model, x, y, NULL) == net_ERROR_NOT_CREATED);
}`;
    const here = folder().put([...artifact.files, ['main.cpp', main]]);
    here.build('main.cpp');
    expect(here.run('./program').text).toBe('1 1 1 1 1 1 1 1 1 1\n');
  });

  it('has a header that C reads', () => {
    const here = folder().put([
      ...artifact.files,
      ['main.c', '#include "net.h"\nint (*run)(net_model *) = net_destroy;\n'],
    ]);
    const flags = ['-std=c99', '-Wall', '-Wextra', '-pedantic', '-Werror', ...shimFlags.slice(-2)];
    expect(here.run('gcc', [...flags, '-fsyntax-only', 'main.c'])).toEqual({ status: 0, text: '' });
  });

  it('keeps states between runs, gives them and takes them back', async () => {
    const bytes = modelOf(
      [node('MatMul', ['h', 'u'], ['hu']), node('Add', ['x', 'hu'], ['hN']), node('Add', ['hN', 'x'], ['y'])],
      [
        ['x', 'f32', [1, 5]],
        ['h', 'f32', [1, 5]],
      ],
      [
        ['y', 'f32', [1, 5]],
        ['hN', 'f32', [1, 5]],
      ],
      { u: floats([5, 5], 8) },
    );
    const state = { hN: 'h' };
    const { files } = await compile(importOnnx(bytes), { target: 'cuda', name: 'net', state });
    const wasm = await instantiate((await compile(importOnnx(bytes), { target: 'wasm', state })).files);
    const x: HostTensor = { dtype: 'f32', shape: [1, 5], data: Float32Array.from([1, 2, 3, 4, 5]) };
    const expected = [0, 1, 2].map(() => wasm.run({ x }).y?.data as Float32Array);
    const main = `
#include "net.cu"
#include <stdio.h>
static net_model model;
static void run()
{
  const float x[5] = {1, 2, 3, 4, 5};
  float y[5];
  const int status = net_run(&model, x, y, NULL);
  for (int i = 0; i < 5; i++) printf("%.6g ", status ? NAN : y[i]);
}
int main()
{
  unsigned char states[net_STATE_BYTES];
  if (net_create(&model) != 0) return 1;
  run(); run();
  if (net_save_state(&model, states, sizeof states, NULL) != 0) return 2;
  run();
  if (net_load_state(&model, states, sizeof states, NULL) != 0) return 3;
  run();
  if (net_load_state(&model, states, 1, NULL) != net_ERROR_STATE_SIZE) return 4;
  if (net_reset(&model, NULL) != 0) return 5;
  run();
  return net_destroy(&model);
}`;
    const here = folder().put([...files, ['main.cpp', main]]);
    here.build('main.cpp');
    const { status, text } = here.run('./program');
    expect(status).toBe(0);
    const given = text.trim().split(' ').map(Number);
    const wanted = [0, 1, 2, 2, 0].flatMap((run) => [...(expected[run] as Float32Array)]);
    expect(given.length).toBe(25);
    wanted.forEach((v, i) => {
      expect(Math.abs((given[i] as number) - v)).toBeLessThanOrEqual(1e-5 * Math.abs(v) + 1e-5);
    });
    here.build('-Dnet_MAIN', '-x', 'c++', 'net.cu');
    expect(here.run('./program').text).toBe('net: the self-test holds\n');
  });

  it('is refused with a reason where nothing can run it', () => {
    const signature = artifact.manifest.c;
    if (!signature) throw new Error('the manifest describes the functions');
    const run = (compiler: string | undefined, device: string | undefined) => () =>
      runCuda({ files: artifact.files, signature }, [], { compiler, device });
    expect(run(undefined, 'a card')).toThrow('a CUDA artifact cannot run on this machine');
    expect(run('release 13.0', undefined)).toThrow('a CUDA artifact cannot run on this machine');
  });
});

const noNvcc = missing('nvcc');

describe.skipIf(noNvcc)(`a cuda artifact, by nvcc${noNvcc}`, () => {
  it('is a program with its own main', async () => {
    const here = new Folder().put((await make()).files);
    try {
      const { status, text } = here.run('nvcc', [
        '-Werror',
        'all-warnings',
        '-arch=sm_75',
        '-Dnet_MAIN',
        'net.cu',
        '-o',
        'program',
      ]);
      expect(text).toBe('');
      expect(status).toBe(0);
      const traced = here.run('nvcc', ['-Werror', 'all-warnings', '-arch=sm_75', '-Dnet_TRACE', '-c', 'net.cu']);
      expect(traced).toEqual({ status: 0, text: '' });
      // 2: there is no device here
      expect([0, 2]).toContain(here.run('./program').status);
    } finally {
      rmSync(here.path, { recursive: true });
    }
  });

  const noCMake = missing('cmake');
  it.skipIf(noCMake)(`is a library of another CMake project${noCMake}`, async () => {
    const here = new Folder();
    try {
      const { files } = await make();
      mkdirSync(join(here.path, 'net'));
      const project = [
        'cmake_minimum_required(VERSION 3.18)',
        'project(user LANGUAGES CXX)',
        'add_subdirectory(net)',
        'add_executable(user main.cpp)',
        'target_link_libraries(user net)',
      ];
      const main = '#include "net.h"\n#include <cstdio>\nint main() { return puts(net_status_text(2)) < 0; }\n';
      here.put([...files].map(([path, bytes]) => [`net/${path}`, bytes] as const));
      here.put([
        ['CMakeLists.txt', project.join('\n')],
        ['main.cpp', main],
      ]);
      const configured = here.run('cmake', ['-S', '.', '-B', 'build', '-DCMAKE_CUDA_ARCHITECTURES=75']);
      expect(configured.status, configured.text).toBe(0);
      const built = here.run('cmake', ['--build', 'build']);
      expect(built.status, built.text).toBe(0);
      expect(here.run('build/user').text).toBe('there is no CUDA device, or no driver for it\n');
    } finally {
      rmSync(here.path, { recursive: true });
    }
  });
});
