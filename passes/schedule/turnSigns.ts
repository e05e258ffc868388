import { conv } from '../../dialects/int/conv.ts';
import { matmul } from '../../dialects/int/matmul.ts';
import { turned } from '../../dialects/int/turned.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { type Op, Rewriter, staticShape, storageOf, type TensorType, type Value } from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { type Intrinsic, intrinsics, type Target } from '../../src/target/index.ts';

/** Multiply-adds for each code from which on a pass over the codes pays. */
const manyProducts = 64;

const typeOf = (value: Value): TensorType => value.type as TensorType;

export const turnSigns = definePass({
  name: 'turn-signs',
  summary:
    'Turns the sign bits of codes over for dot products that want them so where the codes are made, not at each product.',
  phase: 'schedule',
  preserves: 'bits',
  run(module, _, context) {
    const { contractions = [] } = (context.target ?? {}) as Partial<Target>;
    if (!contractions.some((name) => (intrinsics[name] as Intrinsic).turnedAccumulators)) return;
    const rewriter = new Rewriter();
    for (const op of [...module.main.body.ops()]) {
      if (!canReadTurned(op)) continue;
      const readers = [...op.operand(0).users].filter(canReadTurned);
      if (!isMadeForThem(op.operand(0), readers) && productsOfCode(readers) < manyProducts) continue;
      turn(rewriter.before(op), op.operand(0), readers);
    }
  },
});

/** contraction(x) == contraction(turned(x)){turned} */
function turn(rewriter: Rewriter, x: Value, readers: readonly Op[]): void {
  const { result } = rewriter.create(turned, { x }, {}, { types: [x.type], source: x.op?.source ?? '' });
  for (const reader of readers) {
    rewriter.setOperand(reader, 0, result);
    rewriter.setAttributes(reader, { turned: true });
  }
}

/** Contractions of 8-bit codes with known weights, many inputs an output. */
function canReadTurned(op: Op): boolean {
  if (op.attributes.turned || !(conv.is(op) || matmul.is(op))) return false;
  const [x, weights] = op.operands.map((v) => v && typeOf(v)) as [TensorType, TensorType];
  if (storageOf(x.element) !== 'i8' || storageOf(weights.element) !== 'i8' || !constant.is(op.operand(1).op))
    return false;
  return conv.is(op) ? (weights.shape[1] as number) > 1 : weights.shape.length === 2;
}

/** Whether the codes are made by an elementwise op, and for these ops alone: then they are turned there. */
function isMadeForThem(x: Value, readers: readonly Op[]): boolean {
  return x.op?.definition.lower?.kind === 'elementwise' && x.users.size === readers.length;
}

function productsOfCode(readers: readonly Op[]): number {
  const [first] = readers as [Op];
  const { shape } = typeOf(first.operand(0));
  if (!shape.every((dim) => typeof dim === 'number')) return 0;
  const codes = staticShape(typeOf(first.operand(0))).reduce((n, dim) => n * dim, 1);
  return readers.reduce((sum, op) => sum + op.definition.cost(op).multiplyAdds, 0) / codes;
}
