import { describe, expect, it } from 'vitest';
import { parseLimits } from '../../src/cli/importOptions.ts';
import { compile, importOnnx, interpret } from '../../src/index.ts';
import { image, tinyModel } from './models.ts';

describe('limits on what a model may come to', () => {
  it('are read from the command line by their names', () => {
    expect(parseLimits(['nodes=2', 'seconds=60'])).toEqual({ nodes: 2, seconds: 60 });
    expect(() => parseLimits(['node=2'])).toThrow(/no limit 'node'/);
    expect(() => parseLimits(['nodes=many'])).toThrow(/not understood/);
    expect(() => importOnnx(tinyModel(), { limits: parseLimits(['nodes=2']) })).toThrow(/limit 'nodes' is 2/);
  });

  it('bound what one operation reads and writes', async () => {
    const compiled = (operationBytes: number) =>
      compile(importOnnx(tinyModel()), { target: 'wasm', limits: { operationBytes } });
    await expect(compiled(400)).rejects.toThrow(/reads and writes \d+ bytes[\s\S]*limit 'operationBytes' is 400/);
  });

  it('bound the seconds of the passes, and of the test run', async () => {
    const compiled = compile(importOnnx(tinyModel()), { target: 'wasm', limits: { seconds: 0 } });
    await expect(compiled).rejects.toThrow(/the compilation takes too long[\s\S]*limit 'seconds' is 0/);
  });

  it('end an interpreted run between two operations', () => {
    let asked = 0;
    const check = () => {
      if (++asked > 2) throw new Error('enough');
    };
    expect(() => interpret(importOnnx(tinyModel()), { image }, { check })).toThrow('enough');
  });
});
