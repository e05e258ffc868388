import { describe, expect, it } from 'vitest';
import { faster } from '../../runtime/threads.ts';

/** Which of two ways are run, when one takes so long as `times` says at each of its runs, for 50 runs. */
function ways(times: readonly [(run: number) => number, (run: number) => number]): string {
  let clock = 0;
  let said = '';
  const way = (name: 'T' | 'A', time: (run: number) => number) => {
    let runs = 0;
    return () => {
      clock += time(runs++);
      said += name;
    };
  };
  const run = faster([way('T', times[0]), way('A', times[1])], () => clock);
  for (let i = 0; i < 50; i++) run();
  return said;
}

const trials = 'TA'.repeat(16);

describe('together or alone', () => {
  it('goes on with the way that was faster', () => {
    expect(ways([() => 2, () => 3])).toBe(trials + 'T'.repeat(18));
    expect(ways([() => 3, () => 2])).toBe(trials + 'A'.repeat(18));
  });

  it('leaves out the first runs, whose code is not optimized yet', () => {
    expect(ways([(run) => (run < 8 ? 1 : 5), () => 4])).toBe(trials + 'A'.repeat(18));
  });

  it('takes the middle time: a run may be disturbed, or lucky', () => {
    expect(ways([(run) => (run === 12 ? 50 : 3), () => 4])).toBe(trials + 'T'.repeat(18));
    expect(ways([(run) => (run === 12 ? 3 : 50), () => 4])).toBe(trials + 'A'.repeat(18));
  });
});
