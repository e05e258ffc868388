import { concat } from '../../dialects/nn/concat.ts';
import { conv } from '../../dialects/nn/conv.ts';
import { matmul } from '../../dialects/nn/matmul.ts';
import { dcast } from '../../dialects/quant/dcast.ts';
import { qcast } from '../../dialects/quant/qcast.ts';
import { type Op, Rewriter, type Value } from '../../src/ir/index.ts';
import { definePass } from '../../src/pass/define.ts';
import { applyGreedily } from '../../src/rewrite/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { isFloat32, isMove } from './capabilities.ts';
import { keptInFloat, skipOption } from './keptInFloat.ts';
import {
  codesBehind,
  commonCodes,
  computable,
  isComputable,
  quantTypeOf,
  replaceCodes,
  rescaled,
  signedType,
} from './raise/codes.ts';
import { raiseContraction } from './raise/contraction.ts';
import { isComputed, raiseComputed } from './raise/elementwise.ts';

/** What a model says with casts around float ops, its ops say with types: they can then become integer ops. */
export const raiseQdq = definePass({
  name: 'raise-qdq',
  summary: 'Gives ops between dequantization and quantization the quantized types that the model itself carries.',
  phase: 'quantize',
  options: {
    /** Layers that stay float. */
    skip: skipOption,
  },
  preserves: { snr: 20 },
  run(module, { skip }, { report, decide }) {
    const { body } = module.main;
    const kept = keptInFloat(module, skip);
    const rewriter = new Rewriter();
    for (const op of [...body.ops()]) {
      if (!op.block || kept.has(op)) continue;
      const reason = unlessRefused(() => raise(rewriter, op));
      if (reason === undefined) continue;
      report(`${op.source}: ${op.name} stays float: ${reason}`);
      decide?.({ node: op.source, reason });
    }
    applyGreedily(body, []);
  },
});

/** What `action` gives, or what it refuses. */
function unlessRefused(action: () => string | undefined): string | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof QcError) return error.diagnostic.what;
    throw error;
  }
}

/** Raises one op; a string says why an op that reads or gives codes stays float. */
function raise(rewriter: Rewriter, op: Op): string | undefined {
  if (qcast.is(op)) return raiseCast(rewriter, op);
  if (!isFloat32(op.results[0])) return undefined;
  if (isMove(op)) return raiseMove(rewriter, op, [codesBehind(rewriter, op.operands[0])]);
  if (op.definition === concat) return raiseConcat(rewriter, op);
  const between = op.operands.some((operand) => dcast.is(operand?.op)) || commonCodes(op.result) !== undefined;
  if (!between) return undefined;
  if (op.definition === conv || op.definition === matmul) return raiseContraction(rewriter, op);
  return isComputed(op) ? raiseComputed(rewriter, op) : undefined;
}

// qcast(dcast(codes)) == codes, under the same type; under another one they are rescaled
function raiseCast(rewriter: Rewriter, op: Op): string | undefined {
  const type = quantTypeOf(op.result);
  const codes = isComputable(type) ? codesBehind(rewriter, op.operand(0)) : undefined;
  if (codes) replaceCodes(rewriter, op, rescaled(rewriter, codes, signedType(type), op));
  return undefined;
}

// move(dcast(codes)) == dcast(move(codes))
function raiseMove(rewriter: Rewriter, op: Op, moved: readonly (Value | undefined)[]): string | undefined {
  if (!moved.every((codes) => codes !== undefined)) return undefined;
  rewriter.before(op);
  const operands = [...moved, ...op.operands.slice(moved.length)];
  const codes = rewriter.createRaw(op.definition, operands, op.attributes, { source: op.source }).result;
  const real = rewriter.create(dcast, { x: codes }, {}, { types: [op.result.type] }).result;
  rewriter.replace(op, [real]);
  return undefined;
}

/** Tensors with different scales are joined under that of the result. */
function raiseConcat(rewriter: Rewriter, op: Op): string | undefined {
  const operands = op.operands.map((operand) => codesBehind(rewriter, operand));
  if (!operands.some((codes) => codes)) return undefined;
  if (!operands.every((codes) => codes !== undefined)) return `its operands are not all stored ${computable}`;
  const [first] = operands as [Value];
  const wanted = commonCodes(op.result);
  const type = operands.every((codes) => quantTypeOf(codes as Value) === quantTypeOf(first))
    ? quantTypeOf(first)
    : wanted && signedType(wanted);
  if (!type) return 'its operands have different scales, and its result has none';
  const aligned = operands.map((codes) => rescaled(rewriter, codes as Value, type, op));
  return raiseMove(rewriter, op, aligned);
}
