import { angle } from '../../dialects/nn/angle.ts';
import { add, max, min, mul, sub } from '../../dialects/nn/binary.ts';
import { cast } from '../../dialects/nn/cast.ts';
import { compareOps } from '../../dialects/nn/compare.ts';
import { concat } from '../../dialects/nn/concat.ts';
import { conv } from '../../dialects/nn/conv.ts';
import { normalize } from '../../dialects/nn/layerNorm.ts';
import { matmul } from '../../dialects/nn/matmul.ts';
import { avgPool } from '../../dialects/nn/pool.ts';
import { reduceMean, reduceSum } from '../../dialects/nn/reduce.ts';
import { softmax } from '../../dialects/nn/softmax.ts';
import { where } from '../../dialects/nn/where.ts';
import { scast } from '../../dialects/quant/scast.ts';
import { type Op, type OpDefinition, quantOf, Rewriter, type TensorType, type Value } from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { applyGreedily } from '../../src/rewrite/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { isMove } from '../quantize/capabilities.ts';
import { lowerAngle } from './angles.ts';
import { IntegerBuilder } from './builder.ts';
import { lowerConv, lowerMatmul } from './contractions.ts';
import { lowerCast, lowerProduct, lowerSum, lowerUnary } from './elementwise.ts';
import { lowerMove } from './moves.ts';
import { lowerAveragePool, lowerReduction } from './pools.ts';
import { lowerNormalize, lowerSoftmax } from './rows.ts';
import { tableFunctionOf } from './unaryTables.ts';

/** Makes the integer ops of a quantized op, and gives its stored codes. */
type Lower = (op: Op, build: IntegerBuilder) => Value;

const lowerings: ReadonlyMap<OpDefinition, Lower> = new Map<OpDefinition, Lower>([
  [conv, lowerConv],
  [matmul, lowerMatmul],
  [add, lowerSum],
  [sub, lowerSum],
  [mul, lowerProduct],
  [reduceMean, lowerReduction],
  [reduceSum, lowerReduction],
  [avgPool, lowerAveragePool],
  [concat, lowerMove],
  [where, lowerMove],
  [max, lowerMove],
  [min, lowerMove],
  ...compareOps.map((op): [OpDefinition, Lower] => [op, lowerMove]),
  [cast, lowerCast],
  [angle, lowerAngle],
  [softmax, lowerSoftmax],
  [normalize, lowerNormalize],
]);

/** Turns ops on quantized types into integer ops, whose results the numeric contract fixes. */
export const toInteger = definePass({
  name: 'to-integer',
  summary: 'Turns operations on quantized types into integer operations, and proves that their sums fit.',
  phase: 'integer',
  // Each op stays within one quantum of what its types mean, and a layer of several ops within a few.
  preserves: { snr: 20 },
  run(module, _options, context) {
    const rewriter = new Rewriter();
    const build = new IntegerBuilder(rewriter, context.report);
    const { body } = module.main;
    for (const op of body.ops()) {
      if (!op.name.startsWith('nn.') || op.operands.length === 0 || !isComputedOnCodes(op)) continue;
      rewriter.before(op);
      const stored = loweringOf(op)(op, build);
      const y = isQuantized(op.result)
        ? rewriter.create(scast, { x: stored }, {}, { types: [op.result.type] }).result
        : stored;
      context.trace?.({ rule: 'to-integer', op: op.name, source: op.source });
      rewriter.replace(op, [y]);
    }
    applyGreedily(body, []);
  },
});

/** Whether an op makes codes, or compares them: codes of one type lie as what they stand for. */
function isComputedOnCodes(op: Op): boolean {
  if (isQuantized(op.results[0])) return true;
  return compareOps.some(({ name }) => name === op.name) && op.operands.some((v) => isQuantized(v));
}

const isQuantized = (value: Value | undefined): boolean =>
  value?.type.kind === 'tensor' && quantOf(value.type as TensorType) !== undefined;

function loweringOf(op: Op): Lower {
  const moves = isMove(op) || op.definition.typing === 'moves';
  const found = lowerings.get(op.definition) ?? (moves ? lowerMove : tableFunctionOf(op) && lowerUnary);
  if (found) return found;
  throw new QcError({
    what: `there is no integer form of ${op.name}`,
    where: op.source,
    why: 'its result has a quantized type',
    help: 'keep this layer in float',
  });
}
