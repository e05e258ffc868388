import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import { clamp } from '../../dialects/nn/clamp.ts';
import { parse } from '../../src/api/read.ts';
import { reportBug } from '../../src/cli/bug.ts';
import { instrumentsFor } from '../../src/cli/instruments.ts';
import { terminalOn } from '../../src/cli/terminal.ts';
import type { Module } from '../../src/ir/index.ts';
import { definePass, type Pass, runPipeline } from '../../src/pass/index.ts';
import { workplace } from './workplace.ts';

const text = `func @main(%x: tensor<2x8xf32>) -> (%y: tensor<2x8xf32>) {
  %0 = nn.clamp %x {min = 0, max = 6} : tensor<2x8xf32> loc("Relu6_0")
  nn.return %0
}
`;

const change = (name: string, run: (module: Module) => void): Pass =>
  definePass({ name, summary: '', phase: 'transform', preserves: 'bits', run });

const passes = [
  change('nothing', () => {}),
  change('crash', () => {
    throw new TypeError('cannot read what is not there');
  }),
  change('halve', (module) => {
    for (const op of module.ops()) if (clamp.is(op)) op.attributes = { ...op.attributes, max: 0.25 };
  }),
];

const { folder, qc, list } = workplace({ 'model.qir': text });

/** Runs a pipeline as a command does, with its options; gives the error and what was printed. */
async function run(module: Module, pipeline: string, file: string, checks: boolean) {
  let err = '';
  const streams = {
    out: () => {},
    err: (chunk: string) => {
      err += chunk;
    },
  };
  const terminal = terminalOn(streams, { commandLine: 'qc opt', quiet: false, json: false, debug: 0 });
  const values = {
    'print-ir-before': undefined,
    'print-ir-before-all': false,
    'print-ir-after': undefined,
    'print-ir-after-all': false,
    'dump-graph': undefined,
    'verify-semantics': checks,
    'trace-rewrites': false,
    'time-passes': false,
    reproducer: join(folder, file),
  };
  const { list: instruments } = instrumentsFor(values, terminal);
  try {
    await runPipeline(module, pipeline, { passes, registry, instruments });
  } catch (error) {
    reportBug(error, terminal);
  }
  return { err, written: terminal.crash.written };
}

const pipelineOf = (reproducer: string) => /--pipeline '([^']*)'/.exec(reproducer.split('\n')[0] ?? '')?.[1] ?? '';

describe('a pass with a bug', () => {
  it('leaves a file that reproduces the crash', async () => {
    const first = await run(parse(text), 'nothing,crash,nothing', 'crash.qir', false);
    expect(first.err).toContain('bug in qc: cannot read what is not there');
    expect(first.err).toContain('crash.qir');
    expect(first.err).not.toMatch(/\n +at /);
    const reproducer = readFileSync(join(folder, 'crash.qir'), 'utf8');
    expect(reproducer.split('\n')[0]).toBe("// RUN: qc opt --pipeline 'crash,nothing'");
    const again = await run(parse(reproducer), pipelineOf(reproducer), 'again.qir', false);
    expect(again.err).toContain('cannot read what is not there');
    expect(readFileSync(join(folder, 'again.qir'), 'utf8')).toBe(reproducer);
  });

  it('is named by --verify-semantics when it changes results, and reproduced', async () => {
    expect((await run(parse(text), 'nothing,halve', 'unseen.qir', false)).err).toBe('');
    const { err } = await run(parse(text), 'nothing,halve', 'halve.qir', true);
    expect(err).toMatch(/bug in qc: .*'halve' changes the results: output 'y'/);
    const reproducer = readFileSync(join(folder, 'halve.qir'), 'utf8');
    expect(reproducer.split('\n')[0]).toBe("// RUN: qc opt --verify-semantics --pipeline 'halve'");
    const again = await run(parse(reproducer), pipelineOf(reproducer), 'halve2.qir', true);
    expect(again.err).toMatch(/'halve' changes the results/);
  });
});

describe('qc opt', { timeout: 60_000 }, () => {
  it('prints what it reads, and reads what it prints', () => {
    const { code, out } = qc('opt', 'model.qir');
    expect({ code, out }).toEqual({ code: 0, out: text });
  });

  it('runs passes, prints the IR around them and says how long they took', () => {
    const { code, err } = qc(
      'opt',
      'model.qir',
      '--pipeline',
      'canonicalize,fuse-clamp',
      '--time-passes',
      '--print-ir-after=canonicalize',
      '--verify-semantics',
      '-o',
      'out.qir',
    );
    expect(code).toBe(0);
    expect(err).toContain('// after canonicalize\nfunc @main');
    expect(err).not.toContain('// after fuse-clamp');
    expect(err).toMatch(/ms .*all passes/);
    expect(list()).toContain('out.qir');
  });

  it('lists every pass', () => {
    const names = (JSON.parse(qc('opt', '--list-passes', '--json').out) as { name: string }[]).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['bind-dims', 'quantize', 'bufferize']));
  });

  it('suggests the pass that was meant', () => {
    const { code, err } = qc('opt', 'model.qir', '--pipeline', 'canonicalise');
    expect(code).toBe(1);
    expect(err).toContain("did you mean 'canonicalize'?");
  });
});
