import { f16ToF32, f32ToF16 } from '../../dialects/kernel/halves.ts';
import { lanewisePrimitives } from '../../dialects/kernel/index.ts';
import { type Func, type Op, walk } from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';
import type { Target } from '../../src/target/index.ts';
import { type Rebuild, rebuildKernel } from './rebuildKernel.ts';

const { decode_f16: decode, encode_f16: encode } = lanewisePrimitives;

export const expandHalves = definePass({
  name: 'expand-halves',
  summary: 'On targets without conversions of 16-bit floats, writes them as arithmetic on their bits.',
  phase: 'lower',
  preserves: 'bits',
  run(module, _, context) {
    if ((context.target as Target | undefined)?.halves) return;
    for (const [name, func] of module.functions) {
      if (func.kind !== 'kernel' || !converts(func)) continue;
      module.functions.set(name, rebuildKernel(func, { element: ({ element }) => element, op: expand }));
    }
  },
});

const isConversion = ({ definition }: Op): boolean =>
  definition === decode.definition || definition === encode.definition;

const converts = ({ body }: Func): boolean => [...walk(body)].some(isConversion);

function expand({ k, of }: Rebuild, op: Op) {
  if (!isConversion(op)) return undefined;
  const value = of(op.operand(0));
  return [[op.definition === decode.definition ? f16ToF32(k, value) : f32ToF16(k, value)]];
}
