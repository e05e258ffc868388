import { describe, expect, it } from 'vitest';
import { isPresent, measure, modelsFolder } from '../../bench/accuracy/measure.ts';
import { experiments } from '../../bench/methods/experiments.ts';

/**
 * Scores of an experiment on one model, by the name of the scheme, on some samples of the dev part. Of the encoder the noise
 * on its results, as minus the dB: few samples have the same number of right answers.
 */
async function scoresOf(
  experiment: string,
  model: string,
  rows: number,
  named: readonly string[],
): Promise<Record<string, number>> {
  const { tasks, schemes } = experiments.find(({ name }) => name === experiment) as (typeof experiments)[number];
  const task = tasks.find(({ name }) => name === model) as (typeof tasks)[number];
  const calibration = () => [...task.calibration()].slice(0, 8);
  const chosen = schemes.filter((one) => named.includes(typeof one === 'string' ? one : (one.name as string)));
  const results = await measure({ ...task, calibration }, chosen, { rows });
  const float = results[0]?.score?.float as number;
  return Object.fromEntries([
    ['float', float],
    ...results.map(({ scheme, score, snr }) => [scheme, model === 'rxnmapper_albert' ? -snr : score?.value]),
  ]);
}

describe.skipIf(!isPresent)(`methods on trained models (needs ${modelsFolder})`, { timeout: 600_000 }, () => {
  it('MXFP4 of weights and activations: rotations in blocks beat those of all channels', async () => {
    const [blocks, all] = ['rotated in blocks', 'rotated together'] as const;
    const scores = await scoresOf('blocks', 'llama_char_outlier', 32, [blocks, all]);
    expect(scores[blocks]).toBeLessThan(scores[all] as number);
  });

  const storages = ['4 bits in groups', '4 bits a channel', '3 bits in groups', '3 bits a channel'];
  const rounded = {
    stories260K: 8,
    ...(process.env.QC_FULL ? { vit_mnist: 200, llama_char: 16, rxnmapper_albert: 8 } : {}),
  };
  const cells = Object.entries(rounded).flatMap(([model, rows]) =>
    storages.map((name) => [model, name, rows] as const),
  );
  it.each(cells)('%s, %s: GPTQ beats rounding to nearest', async (model, name, rows) => {
    const [gptq, nearest] = [`${name}, gptq`, `${name}, nearest`];
    const scores = await scoresOf('rounding', model, rows, [gptq, nearest]);
    expect(scores[gptq]).toBeLessThan(scores[nearest] as number);
  });

  it('4-bit weights by GPTQ and 8-bit activations, rotated: perplexity within 2 % of float', async () => {
    const scores = await scoresOf('w4a8', 'llama_char', 16, ['quarot']);
    expect(scores.quarot).toBeLessThan(1.02 * (scores.float as number));
  });

  const outlierMethods = ['smoothquant', 'outlier-suppression', 'rotated'] as const;
  it.each(process.env.QC_FULL ? outlierMethods : ['outlier-suppression'])(
    'outlier channels under 8 bits with one range a tensor: %s wins back nine tenths of what they cost',
    async (name) => {
      const scores = await scoresOf('outliers', 'llama_char_outlier', process.env.QC_FULL ? 32 : 2, ['plain', name]);
      const [plain, float, found] = [scores.plain, scores.float, scores[name]] as [number, number, number];
      expect(plain).toBeGreaterThan(1.02 * float);
      expect(plain - found).toBeGreaterThan(0.9 * (plain - float));
    },
  );

  it('widths by layer win back half of what 4 bits lose against 8, in a tenth more space', async () => {
    const names = ['8 bits', '4 bits', '2 to 8 bits'] as const;
    const scores = await scoresOf('mixed', 'mbnet128_0.25_f', 100, names);
    const [eight, four, mixed] = names.map((name) => scores[name]) as [number, number, number];
    expect(mixed - four).toBeGreaterThanOrEqual((eight - four) / 2);
  });
});
