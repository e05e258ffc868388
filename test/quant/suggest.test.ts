import { describe, expect, it } from 'vitest';
import { suggestKeptInFloat } from '../../src/api/diagnose/suggest.ts';

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
