import { describe, expect, it } from 'vitest';
import { suggestKeptInFloat, suggestWithin } from '../../src/api/diagnose/suggest.ts';

const blamed = (shares: number[]) => shares.map((share, i) => ({ share, remedy: [`l${i}`] }));

describe('which layers to keep in float', () => {
  it('are the few that leave a quarter of the noise', () => {
    expect(suggestKeptInFloat(blamed([80, 10, 5, 5]))).toEqual(['l0']);
    expect(suggestKeptInFloat(blamed([50, 30, 10, 10]))).toEqual(['l0', 'l1']);
  });

  it('are none where all do the same', () => expect(suggestKeptInFloat(blamed(new Array(20).fill(1)))).toEqual([]));

  it('are none where nothing can be named against the noise', () => {
    expect(suggestKeptInFloat([{ share: 9, remedy: [] }, ...blamed([1, 1])])).toEqual([]);
  });

  it('are none without noise', () => expect(suggestKeptInFloat(blamed([0, 0]))).toEqual([]));
});

describe('what fits a budget', () => {
  const growth = new Map([
    ['l0', 100],
    ['l1', 30],
    ['l2', 20],
  ]);

  it('is what causes most, and what still fits after it', () => {
    const ranked = blamed([8, 4, 2, 0]);
    expect(suggestWithin(ranked, growth, 1000)).toEqual(['l0', 'l1', 'l2']);
    expect(suggestWithin(ranked, growth, 125)).toEqual(['l0', 'l2']);
    expect(suggestWithin(ranked, growth, 40)).toEqual(['l1']);
    expect(suggestWithin(ranked, growth, 10)).toEqual([]);
  });

  it('counts a layer once that helps against two sources', () => {
    const ranked = [
      { share: 3, remedy: ['l1'] },
      { share: 2, remedy: ['l1', 'l2'] },
    ];
    expect(suggestWithin(ranked, growth, 50)).toEqual(['l1', 'l2']);
  });
});
