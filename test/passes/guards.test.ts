import { describe, expect, it } from 'vitest';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { launch, when } from '../../dialects/kernel/index.ts';
import type { Block } from '../../src/ir/index.ts';
import { branch } from '../differential/controlCases.ts';
import { planned } from '../differential/run.ts';

/** The launches of a block, each with the flags that it waits for. */
function launches(block: Block, guards = ''): string[] {
  return [...block.ops()].flatMap((op) => {
    if (when.is(op)) return launches(op.regions[0] as Block, `${guards}${when.attributesOf(op).holds ? '+' : '-'}`);
    return launch.is(op) ? [`${guards}${op.source}`] : [];
  });
}

describe('launches that one way of a choice alone needs', () => {
  it('wait for its condition, where that is known before', async () => {
    const all = launches((await planned(branch('less'), wasmTarget)).main.body);
    expect(all).toEqual(expect.arrayContaining(['outside', 'sum', 'if']));
    const inside = all.filter((name) => name.includes('.'));
    expect(inside.toSorted()).toEqual(['+then.matmul', '+then.softmax', '-else.matmul', '-else.softmax']);
  });
});
