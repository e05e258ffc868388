import { clamp } from '../../dialects/nn/clamp.ts';
import { attr, type Module } from '../../src/ir/index.ts';
import { definePass, type Pass } from '../../src/pass/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { parse } from '../../src/text/index.ts';
import { registry } from '../golden/known.ts';

/** y = clamp(x, 0, 6). */
export const text = `symbol N in 1..4

func @main(%x: tensor<Nx8xf32>) -> (%y: tensor<Nx8xf32>) {
  %0 = nn.clamp %x {min = 0, max = 6} : tensor<Nx8xf32> loc("Relu6_0")
  nn.return %0
}
`;

export const relu6 = (): Module => parse(text, { registry });

/** Passes on that module, and what they promise. */
export const passes: readonly Pass[] = [
  definePass({ name: 'nothing', summary: '', phase: 'transform', preserves: 'bits', run: () => {} }),
  definePass({
    name: 'set-max',
    summary: 'Another upper bound, said to change nothing.',
    phase: 'transform',
    options: { max: attr.float() },
    preserves: 'bits',
    run: setMax,
  }),
  definePass({
    name: 'about-max',
    summary: 'Another upper bound, said to change results by up to 10 % of their range.',
    phase: 'transform',
    options: { max: attr.float() },
    preserves: { tolerance: 0.1 },
    run: setMax,
  }),
  definePass({
    name: 'noisy-max',
    summary: 'Another upper bound, said to keep a signal-to-noise ratio of 20 dB.',
    phase: 'quantize',
    options: { max: attr.float() },
    preserves: { snr: 20 },
    run: setMax,
  }),
  definePass({
    name: 'fail',
    summary: 'Changes the module and fails.',
    phase: 'transform',
    preserves: 'bits',
    run(module) {
      setMax(module, { max: 1 });
      throw new QcError({ what: 'this cannot be done' });
    },
  }),
  definePass({
    name: 'break',
    summary: 'Leaves a function without terminator.',
    phase: 'transform',
    preserves: 'bits',
    run(module) {
      const { body } = module.main;
      if (body.last) body.remove(body.last);
    },
  }),
];

function setMax(module: Module, { max }: { max: number }): void {
  for (const op of module.ops()) if (clamp.is(op)) op.attributes = { ...op.attributes, max };
}
