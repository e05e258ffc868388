import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { verifyModule } from '../../src/ir/index.ts';
import { runPipeline } from '../../src/pass/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { parse, printModule } from '../../src/text/index.ts';
import { bless, failingCheck, type Golden, readGolden } from './check.ts';
import { allPasses, registry } from './known.ts';

const folder = new URL('.', import.meta.url).pathname;
const files = globSync('**/*.qir', { cwd: folder }).toSorted();

/** What `qc opt` prints for the file: the module after the pipeline, or the message when that is expected. */
async function opt({ input, pipeline, fails }: Golden, file: string): Promise<string> {
  const run = async () => {
    const module = parse(input, { registry, file });
    verifyModule(module);
    await runPipeline(module, pipeline, { passes: allPasses, registry });
    return printModule(module).text;
  };
  if (!fails) return run();
  const error = await run().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof QcError)) throw error ?? new Error('the command was expected to fail');
  return `${error.message}\n`;
}

describe('golden files', () => {
  it('are there', () => expect(files.length).toBeGreaterThan(0));

  for (const file of files) {
    const text = readFileSync(`${folder}${file}`, 'utf8');
    const golden = readGolden(text);

    it(`${file} gives what it says`, async () => {
      const output = await opt(golden, file);
      if (process.env.UPDATE && golden.checks.length === 0) writeFileSync(`${folder}${file}`, bless(golden, output));
      else if (golden.output !== undefined) expect(output).toBe(golden.output);
      else expect(golden.checks.length, 'a file has CHECK lines, or is blessed by UPDATE=1').toBeGreaterThan(0);
      expect(failingCheck(output, golden.checks)).toBeUndefined();
    });

    if (golden.fails) continue;
    it(`${file} round-trips`, async () => {
      const once = printModule(parse(golden.input, { registry, file }));
      expect(printModule(parse(once.text, { registry, bin: once.bin })).text).toBe(once.text);
      const after = await opt(golden, file);
      expect(printModule(parse(after, { registry })).text).toBe(after);
    });
  }
});

describe('the checks themselves', () => {
  const output = 'one\ntwo\nthree\n';
  const check = (text: string) => failingCheck(output, readGolden(`// RUN: qc opt\n${text}`).checks);

  it('pass where the output is right', () => {
    expect(check('// CHECK: one\n// CHECK-NEXT: two\n// CHECK-NOT: four\n// CHECK: hre')).toBeUndefined();
  });

  it('see a missing line, a line that is not next, and a forbidden line', () => {
    expect(check('// CHECK: two\n// CHECK: one')).toMatch(/CHECK: one/);
    expect(check('// CHECK: one\n// CHECK-NEXT: three')).toMatch(/CHECK-NEXT: three/);
    expect(check('// CHECK: one\n// CHECK-NOT: two\n// CHECK: three')).toMatch(/CHECK-NOT: two/);
    expect(check('// CHECK-NOT: three')).toMatch(/CHECK-NOT: three/);
  });

  it('bless writes what reads back as the same output', () => {
    const text = '\nfunc\n\n  body\n';
    expect(readGolden(bless(readGolden("// RUN: qc opt --pipeline 'a'\ninput\n"), text)).output).toBe(text);
  });
});
