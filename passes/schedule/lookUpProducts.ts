import { groupMatmul, weightsOf } from '../../dialects/int/groupMatmul.ts';
import { sumTables } from '../../dialects/int/sumTables.ts';
import { type Op, productOf, Rewriter, staticShape, type TensorType, type Value } from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';
import type { Target } from '../../src/target/index.ts';

/** Rows up to which panels are not unpacked, and inputs of a group whose entries of tables add up in bytes. */
const [mostRows, mostInputs] = [2, 32];

const fewestOutputs = 16;

const typeOf = (value: Value): TensorType => value.type as TensorType;

/**
 * Σ_k a·w == Σ_b 2^b·Σ_q T_q[bit b of the four weights of q]: where codes have few bits, looking sums of four activations
 * up is faster on some machines than multiplying.
 * Source: Wei et al., T-MAC (2024), section 3.
 */
export const lookUpProducts = definePass({
  name: 'look-up-products',
  summary:
    'Gives products of few rows and weights of few bits tables of sums, where the target is faster by looking up.',
  phase: 'schedule',
  preserves: 'bits',
  run(module, _, context) {
    const { lookUpBits = 0 } = (context.target ?? {}) as Partial<Target>;
    if (lookUpBits === 0) return;
    const rewriter = new Rewriter();
    const made = new Map<Value, Value>();
    for (const op of [...module.main.body.ops()]) {
      if (!groupMatmul.is(op) || !isFaster(op, lookUpBits)) continue;
      const operands = groupMatmul.operandsOf(op);
      const { source } = op;
      const { a } = operands;
      const tables = made.get(a) ?? tablesOf(rewriter, a);
      made.set(a, tables);
      const { result } = rewriter.before(op).create(groupMatmul, { ...operands, tables }, {}, { source });
      rewriter.replace(op, [result]);
      context.report(
        `${source}: its sums are looked up: faster here for few rows and codes of ${lookUpBits} bits at most`,
      );
    }
  },
});

function tablesOf(rewriter: Rewriter, a: Value): Value {
  const maker = a.op as Op;
  return rewriter.after(maker).create(sumTables, { x: a }, {}, { source: maker.source }).result;
}

/** Few rows, outputs that fill registers, groups whose sums stay in bytes, and codes of one width, at most `most` bits. */
function isFaster(op: Op, most: number): boolean {
  const [codes, w] = [op.operand(0), typeOf(op.operand(4))];
  const { shape } = typeOf(codes);
  const { bits, widths, levels, groups } = weightsOf(w, op.source);
  const rows = productOf(shape.slice(0, -1));
  const [, outputs] = staticShape(w) as [number, number];
  const few = typeof rows === 'number' && rows <= mostRows && outputs >= fewestOutputs && codes.op !== undefined;
  return few && !levels && !widths && bits <= most && (shape.at(-1) as number) / groups <= mostInputs;
}
