import { describe, expect, it } from 'vitest';
import { verifyModule } from '../../src/ir/index.ts';
import {
  type Instrument,
  parsePipeline,
  printIr,
  type Reproducer,
  reproducer,
  runPipeline,
  timing,
  timingTable,
} from '../../src/pass/index.ts';
import { parse, printModule } from '../../src/text/index.ts';
import { readGolden } from '../golden/check.ts';
import { registry } from '../golden/known.ts';
import { passes, relu6, text } from './modules.ts';

const run = (pipeline: string, instruments: readonly Instrument[] = [], module = relu6()) =>
  runPipeline(module, pipeline, { passes, registry, instruments });

/** Writes down every hook. */
function recorder(log: string[]): Instrument {
  return {
    before: ({ pass }) => void log.push(`before ${pass.name}`),
    after: ({ pass }) => void log.push(`after ${pass.name}`),
    failed: ({ pass, remaining }, _module, error) =>
      void log.push(`failed ${pass.name}, ${remaining.length} remain: ${(error as Error).message}`),
  };
}

describe('a pipeline', () => {
  it('runs its passes in order, options given or by default, in place', async () => {
    const module = relu6();
    await run('set-max{max=3},set-max{max=2}', [], module);
    expect(printModule(module).text).toBe(text.replace('max = 6', 'max = 2'));
  });

  it('checks every step before the first one runs', async () => {
    const module = relu6();
    await expect(run('set-max{max=3},set-min', [], module)).rejects.toThrow(/no pass 'set-min'/);
    expect(printModule(module).text).toBe(text);
  });

  it('calls hooks around passes, and on the failure of one', async () => {
    const log: string[] = [];
    await expect(run('nothing,fail,nothing', [recorder(log)])).rejects.toThrow('this cannot be done');
    expect(log).toEqual([
      'before nothing',
      'after nothing',
      'before fail',
      'failed fail, 2 remain: this cannot be done',
    ]);
  });

  it('waits for hooks that take time', async () => {
    const log: string[] = [];
    const slow: Instrument = { before: () => new Promise((done) => setTimeout(() => done(void log.push('slow')), 5)) };
    await run('nothing', [slow, recorder(log)]);
    expect(log).toEqual(['slow', 'before nothing', 'after nothing']);
  });

  it('hands reports and options of the context to passes', async () => {
    const lines: string[] = [];
    const reporting = {
      ...passes[0]!,
      name: 'report',
      run: (_m: unknown, _o: unknown, c: { report(s: string): void }) => c.report('a'),
    };
    await runPipeline(relu6(), 'report', {
      passes: [reporting],
      registry,
      context: { report: (line) => lines.push(line) },
    });
    expect(lines).toEqual(['a']);
  });
});

describe('the verifier', () => {
  it('runs after each pass and names the one that broke the IR', async () => {
    await expect(run('nothing,break')).rejects.toThrow(/after the pass 'break': .*not a terminator/);
  });

  it('can be left out', async () => {
    const module = relu6();
    await runPipeline(module, 'break', { passes, registry, verify: false });
    expect(() => verifyModule(module)).toThrow(/not a terminator/);
  });
});

describe('printing', () => {
  it('shows the module before and after chosen passes', async () => {
    const printed: string[] = [];
    await run('set-max{max=3},nothing', [
      printIr({ before: ['set-max'], after: 'all', print: (one) => printed.push(one) }),
    ]);
    const changed = text.replace('max = 6', 'max = 3');
    expect(printed).toEqual([
      `// before set-max\n${text}`,
      `// after set-max\n${changed}`,
      `// after nothing\n${changed}`,
    ]);
  });
});

describe('timing', () => {
  it('takes the time of each pass', async () => {
    const clock = timing();
    await run('nothing,set-max{max=3}', [clock]);
    expect(clock.times.map((one) => one.pass)).toEqual(['nothing', 'set-max']);
    expect(clock.times.every((one) => one.milliseconds >= 0)).toBe(true);
  });

  it('is shown longest first, with shares and a sum', () => {
    const table = timingTable([
      { pass: 'a', milliseconds: 1 },
      { pass: 'b', milliseconds: 3 },
    ]);
    expect(table).toBe('       3.0 ms   75 %  b\n       1.0 ms   25 %  a\n       4.0 ms  100 %  all passes');
  });
});

describe('a reproducer', () => {
  const reproduce = async (pipeline: string) => {
    const written: Reproducer[] = [];
    const write = (one: Reproducer) => void written.push(one);
    await expect(run(pipeline, [reproducer({ write })])).rejects.toThrow();
    return written;
  };

  it('holds the module as it was before the failing pass, and the rest of the pipeline', async () => {
    const [one, ...more] = await reproduce('set-max{max=3},fail,nothing');
    expect(more).toEqual([]);
    expect(one?.pass).toBe('fail');
    expect(one?.text).toBe(`// RUN: qc opt --pipeline 'fail,nothing'\n${text.replace('max = 6', 'max = 3')}`);
  });

  it('fails in the same way when its own command is run', async () => {
    const [one] = await reproduce('fail{},nothing');
    const golden = readGolden(one?.text ?? '');
    expect(parsePipeline(golden.pipeline).map((step) => step.pass)).toEqual(['fail', 'nothing']);
    await expect(run(golden.pipeline, [], parse(golden.input, { registry }))).rejects.toThrow('this cannot be done');
  });

  it('is written when the verifier refuses what a pass made', async () => {
    const [one] = await reproduce('break');
    expect(one?.text).toBe(`// RUN: qc opt --pipeline 'break'\n${text}`);
  });
});
