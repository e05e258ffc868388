import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeModel, encodeModel } from '../../src/onnx/proto/index.ts';
import { suite, suitePresent } from '../onnx/backendTest.ts';
import { Dice, mutateBytes, mutateFields } from './mutate.ts';
import { survives } from './target.ts';

// Damaged models give results or clear errors, and quickly.

/** Case number n is the same in every run; with QC_FULL=1 all are tried. */
const count = process.env.QC_FULL ? 20_000 : 800;
/** Milliseconds of the processor: the machine may have more to do. */
const slowest = 5000;

const graphs = '../shared/conformance/ort-models';

function readSeeds(): Uint8Array[] {
  const index = JSON.parse(readFileSync(`${suite}/index.json`, 'utf8')) as Record<string, unknown>;
  const ids = Object.keys(index).filter((id) => !id.startsWith('light/'));
  const more = readdirSync(graphs).filter((name) => !name.endsWith('.json'));
  return [...ids.map((id) => `${suite}/${id}/model.onnx`), ...more.map((name) => `${graphs}/${name}/model.onnx`)]
    .filter((path) => existsSync(path))
    .map((path) => new Uint8Array(readFileSync(path)))
    .filter((bytes) => bytes.length < 60_000);
}

describe.skipIf(!suitePresent)(`damaged models (skipped: ${suite} is absent)`, () => {
  it(`${count} of them`, { timeout: 3_600_000 }, async () => {
    const seeds = readSeeds();
    const problems: string[] = [];
    let survivors = 0;
    for (let i = 0; i < count; i++) {
      const dice = new Dice(i + 1);
      const seed = dice.pick(seeds);
      const bytes = i % 2 === 0 ? mutateBytes(seed, dice) : encodeModel(mutateFields(decodeModel(seed), dice));
      const start = process.cpuUsage();
      try {
        if (await survives(bytes)) survivors++;
      } catch (error) {
        problems.push(`case ${i}: ${(error as Error).stack?.split('\n').slice(0, 3).join(' ')}`);
      }
      const { user, system } = process.cpuUsage(start);
      const time = (user + system) / 1000;
      if (time > slowest) problems.push(`case ${i} took ${time.toFixed(0)} ms`);
    }
    console.log(`${survivors} of ${count} damaged models gave results, the others errors`);
    expect(problems).toEqual([]);
    // A fuzzer whose every case is refused tests nothing but the refusal.
    expect(survivors).toBeGreaterThan(count / 20);
  });
});
