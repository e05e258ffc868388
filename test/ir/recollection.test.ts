import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import { clamp } from '../../dialects/nn/clamp.ts';
import { interpret, Recollection } from '../../src/interpret/index.ts';
import { type Module, type Op, Rewriter } from '../../src/ir/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { parse } from '../../src/text/index.ts';

const chain = (): Module =>
  parse(
    `func @main(%x: tensor<4xf32>) -> (%y: tensor<4xf32>) {
  %0 = nn.abs %x : tensor<4xf32> loc("first")
  %1 = nn.clamp %0 {min = 0, max = 2} : tensor<4xf32> loc("second")
  %2 = nn.exp %1 : tensor<4xf32> loc("third")
  %3 = nn.neg %2 : tensor<4xf32> loc("fourth")
  nn.return %3
}`,
    { registry },
  );

/** Keeps account of the ops that are computed. */
class Counted extends Recollection {
  computed: string[] = [];

  override begin(): void {
    super.begin();
    this.computed = [];
  }

  override evaluate(op: Op, operands: readonly (HostTensor | undefined)[], compute: () => readonly HostTensor[]) {
    return super.evaluate(op, operands, () => {
      this.computed.push(op.source);
      return compute();
    });
  }
}

const input = (...values: number[]) => ({ x: { dtype: 'f32', shape: [4], data: Float32Array.from(values) } }) as const;
const x = input(-0.5, 1, 1.5, -3);

describe('a recollection', () => {
  /** Runs a module after the chain as it was, with what is recollected of that. */
  const computedAfter = (change: (module: Module) => void, given: ReturnType<typeof input> = x) => {
    const recollection = new Counted();
    const module = chain();
    interpret(module, given, { recollection });
    expect(recollection.computed).toEqual(['first', 'second', 'third', 'fourth']);
    change(module);
    expect(interpret(module, given, { recollection })).toEqual(interpret(module, given));
    return recollection.computed;
  };
  const bound = (max: number) => (module: Module) => {
    for (const op of module.ops()) if (clamp.is(op)) new Rewriter().setAttributes(op, { max });
  };

  it('computes nothing again where nothing has changed', () => expect(computedAfter(() => {})).toEqual([]));
  it('computes what has changed, and what reads other values then', () =>
    expect(computedAfter(bound(1))).toEqual(['second', 'third', 'fourth']));
  it('stops where values are the same again', () =>
    expect(computedAfter(bound(3), input(-0.5, 1, 1.5, -2))).toEqual(['second']));
  it('tells zeros apart', () => {
    const recollection = new Counted();
    const module = chain();
    interpret(module, input(0, 1, 2, 3), { recollection });
    interpret(module, input(-0, 1, 2, 3), { recollection });
    expect(recollection.computed).toEqual(['first']);
  });
});
