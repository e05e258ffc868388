import { observe } from '../../dialects/quant/observe.ts';
import { Rewriter } from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { keptInFloat, skipOption } from '../quantize/keptInFloat.ts';
import { planQuantization } from '../quantize/plan.ts';

/** Marks the values whose ranges `quantize` will ask for: what passes a clamp, not what enters it; no constants. */
export const insertObservers = definePass({
  name: 'insert-observers',
  summary: 'Marks the activations that will be quantized, for calibration.',
  phase: 'calibrate',
  options: { skip: skipOption },
  preserves: 'bits',
  run(module, { skip }) {
    const { body } = module.main;
    const rewriter = new Rewriter();
    const taken = new Set<string>();
    for (const value of planQuantization(body, keptInFloat(module, skip)).ranges) {
      const { op } = value;
      if (op) rewriter.after(op);
      else rewriter.atStart(body);
      const stats = unique(op?.source || value.name || 'value', taken);
      rewriter.create(observe, { x: value }, { stats }, { source: op?.source ?? value.name ?? '' });
    }
  },
});

function unique(name: string, taken: Set<string>): string {
  let candidate = name;
  for (let i = 2; taken.has(candidate); i++) candidate = `${name}#${i}`;
  taken.add(candidate);
  return candidate;
}
