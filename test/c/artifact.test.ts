import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CArtifact, type EmitCOptions, emitC } from '../../backends/c/emit.ts';
import { KernelBuilder } from '../../dialects/kernel/index.ts';
import { runC } from '../../src/cli/host/c.ts';
import type { Value } from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { missing, PlannedProgram, sanitized, strict } from './program.ts';

const noCompiler = missing('cc');

const noTools = missing('gcc', 'g++', 'cmake', 'nm');

const input: HostTensor = { dtype: 'f32', shape: [1, 4], data: Float32Array.from([1, -2, 3.5, 0.25]) };
const output: HostTensor = { dtype: 'f32', shape: [1, 4], data: Float32Array.from([4, -14, 34, 0]) };

/** y = (2x + w) · 4 with the two scalings of the same shape, through the arena. */
function program(names: { input?: string; layer?: string } = {}) {
  const planned = new PlannedProgram(
    [{ name: names.input ?? 'x', element: 'f32', shape: [1, 4] }],
    [{ name: 'y', element: 'f32', shape: [1, 4] }],
  );
  const scaled = (name: string, from: 'input' | 'arena', to: 'arena' | 'output', by: number) => {
    const k = new KernelBuilder(name, name);
    const [x, y] = [k.buffer('x', 'f32', from), k.buffer('y', 'f32', to)];
    k.loop(0, 4, 1, (i) => k.store(k.mul(k.load(x, i), k.constant(by, 'f32')), y, i));
    return k.finish(planned.module);
  };
  const k = new KernelBuilder('bias', 'bias');
  const [x, w, y] = [k.buffer('x', 'f32', 'arena'), k.buffer('w', 'f32', 'weights'), k.buffer('y', 'f32', 'arena')];
  k.loop(0, 4, 1, (i) => k.store(k.add(k.load(x, i), k.load(w, i)), y, i));
  const bias = k.finish(planned.module);
  const [a, b] = [planned.arena(16), planned.arena(16)];
  const weights = planned.weights(Float32Array.from([-1, 0.5, 1.5, -0.5]));
  planned.launch(scaled('first', 'input', 'arena', 2), [planned.inputs[0] as Value, a], names.layer ?? 'scale');
  planned.launch(bias, [a, weights, b], 'bias');
  planned.launch(scaled('second', 'arena', 'arena', 2), [b, a], 'again');
  planned.launch(scaled('third', 'arena', 'output', 2), [a, planned.outputs[0] as Value], names.layer ?? 'scale');
  return planned.finish();
}

const text = (artifact: CArtifact, file: string) => new TextDecoder().decode(artifact.files.get(file));
const emit = (options: Partial<EmitCOptions> = {}, names = {}) => emitC(program(names), { name: 'net', ...options });

/** Compiles files in a folder of their own, with a main of the test, and gives what it prints. */
function compileAndRun(
  artifact: CArtifact,
  main: string,
  compiler: readonly string[],
  mainFile: string,
  defines: readonly string[] = [],
): string {
  const folder = mkdtempSync(join(tmpdir(), 'qc-test-'));
  try {
    for (const [path, content] of artifact.files) writeFileSync(join(folder, path), content);
    writeFileSync(join(folder, mainFile), main);
    const [command, ...flags] = compiler as [string, ...string[]];
    execFileSync('gcc', ['-std=c99', ...strict, ...defines, '-c', 'net.c'], { cwd: folder });
    execFileSync(command, [...flags, mainFile, 'net.o', '-o', 'test'], { cwd: folder });
    return execFileSync(join(folder, 'test'), { encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe.skipIf(noTools)(`generated C${noTools}`, () => {
  it.each(['inline', 'external'] as const)('computes with %s weights', (weights) => {
    const artifact = emit({ weights });
    expect(artifact.files.has('net_weights.bin')).toBe(weights === 'external');
    expect(runC(artifact, [input], { flags: [...strict, ...sanitized] })).toEqual([output]);
  });

  it('is the same on every call', () => {
    expect(emit().files).toEqual(emit().files);
  });

  it('shares one function among kernels with the same body', () => {
    const { report } = emit();
    expect(report).toMatchObject({ launches: 4, functions: 2, usesMathLibrary: false });
  });

  it('stays C whatever the model calls its layers and inputs', () => {
    const layer = '*/ int evil; /* \\\n??/ "int" \u202e';
    const artifact = emit({}, { layer, input: '9 int*/' });
    expect(text(artifact, 'net.c')).not.toContain('*/ int evil');
    expect(runC(artifact, [input], { flags: strict })).toEqual([output]);
  });

  it('refuses a name that is no identifier', () => {
    expect(() => emit({ name: '3-net' })).toThrow("'3-net' can't begin the names of C symbols");
  });

  it('tests itself, and sees a wrong answer', () => {
    const good = emit({ selftest: { inputs: [input], outputs: [output] } });
    expect(runC(good, [input], { selftest: true, flags: strict })).toEqual([output]);
    const wrong = { ...output, data: Float32Array.from([4, -14, 34.1, 0]) };
    const bad = emit({ selftest: { inputs: [input], outputs: [wrong] } });
    expect(() => runC(bad, [input], { selftest: true })).toThrow('the self-test gave other results');
  });

  it('checks its arena and pointers, and can be called from C++', () => {
    const main = `
#include "net.h"
#include <cstdio>
alignas(net_ARENA_ALIGNMENT) static unsigned char arena[net_ARENA_BYTES + 16];
int main() {
  net_context context;
  float x[net_INPUT_X_COUNT] = {1, -2, 3.5f, 0.25f};
  float y[net_OUTPUT_Y_COUNT] = {0};
  std::printf("%d ", net_init(&context, arena, net_ARENA_BYTES - 1) == net_ERROR_ARENA_SIZE);
  std::printf("%d ", net_init(&context, arena + 4, net_ARENA_BYTES) == net_ERROR_ARENA_ALIGNMENT);
  std::printf("%d ", net_run(&context, x, y) == net_ERROR_NOT_INITIALIZED);
  std::printf("%d ", net_init(&context, nullptr, net_ARENA_BYTES) == net_ERROR_NULL);
  std::printf("%d ", net_init(&context, arena, net_ARENA_BYTES) == net_OK);
  std::printf("%d ", net_run(&context, nullptr, y) == net_ERROR_NULL);
  std::printf("%d ", net_run(&context, x, y) == net_OK);
  std::printf("%g %g %g %g", y[0], y[1], y[2], y[3]);
}`;
    expect(compileAndRun(emit(), main, ['g++', '-Wall', '-Wextra'], 'main.cpp')).toBe('1 1 1 1 1 1 1 4 -14 34 0');
  });

  it('tells of every kernel that has run, where that is asked for', () => {
    const main = `
#include "net.h"
#include <stdio.h>
static uint64_t arena[net_ARENA_BYTES / 8 + 2];
void net_trace(int launch, const char *layer) { printf("%d %s\\n", launch, layer); }
int main(void) {
  net_context context;
  float x[net_INPUT_X_COUNT] = {1, -2, 3.5f, 0.25f};
  float y[net_OUTPUT_Y_COUNT] = {0};
  return net_init(&context, (void *)(((uintptr_t)arena + 15) / 16 * 16), net_ARENA_BYTES) || net_run(&context, x, y);
}`;
    const layer = 'a "b" \\ ??/ é 日\n1';
    const out = compileAndRun(emit({}, { layer }), main, ['gcc', '-std=c99', '-Dnet_TRACE'], 'main.c', ['-Dnet_TRACE']);
    expect(out).toBe(`0 ${layer}\n1 bias\n2 again\n3 ${layer}\n`);
  });

  it('writes nothing outside the arena and the outputs', () => {
    const folder = mkdtempSync(join(tmpdir(), 'qc-test-'));
    try {
      for (const [path, content] of emit().files) writeFileSync(join(folder, path), content);
      execFileSync('gcc', ['-std=c99', '-O2', '-c', 'net.c'], { cwd: folder });
      const symbols = execFileSync('nm', ['net.o'], { cwd: folder, encoding: 'utf8' });
      // b, B, d, D: writable data; U: what the linker must find elsewhere
      expect(symbols.split('\n').filter((line) => / [bBdDU] /.test(line))).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('builds with its own CMakeLists.txt', () => {
    const folder = mkdtempSync(join(tmpdir(), 'qc-test-'));
    try {
      for (const [path, content] of emit().files) writeFileSync(join(folder, path), content);
      execFileSync('cmake', ['-S', '.', '-B', 'build'], { cwd: folder });
      execFileSync('cmake', ['--build', 'build'], { cwd: folder });
      expect(execFileSync('nm', ['build/libnet.a'], { cwd: folder, encoding: 'utf8' })).toContain('T net_run');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);
});

describe.skipIf(noCompiler)(`running C on the host${noCompiler}`, () => {
  it('names an input of the wrong size', () => {
    const small: HostTensor = { dtype: 'f32', shape: [3], data: new Float32Array(3) };
    expect(() => runC(emit(), [small])).toThrow("input 'x' has 12 bytes, not 16");
  });

  it('says what a compiler that fails had to say', () => {
    expect(() => runC(emit(), [input], { flags: ['-no-such-option'] })).toThrow('no-such-option');
  });
});
