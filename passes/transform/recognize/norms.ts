import { normalAxes } from '../../../dialects/nn/axes.ts';
import { add, div, mul, sub } from '../../../dialects/nn/binary.ts';
import { normalize } from '../../../dialects/nn/layerNorm.ts';
import { reduceMean } from '../../../dialects/nn/reduce.ts';
import type { Op, Rewriter, TensorType, Value } from '../../../src/ir/index.ts';
import { defineRewritePass } from '../../../src/pass/define.ts';
import { op, rule, value } from '../../../src/rewrite/index.ts';
import { withoutClamp } from '../../clamps.ts';
import {
  bothOrders,
  factorsOf,
  sameExpression,
  shifted,
  squareRootOf,
  underInverseRoot,
  underRoot,
} from './spelling.ts';

/** x / √(mean of x² + ε), or of x − mean x in the place of x. */
interface Norm {
  readonly x: Value;
  /** The first of the axes that the means are taken over: all to the last. */
  readonly axis: number;
  readonly epsilon: number;
  readonly center: boolean;
}

/** A norm whose divisor was found, and what is divided. */
interface NormBelow extends Norm {
  readonly numerator: Value;
}

const rankOf = (v: Value): number => (v.type as TensorType).shape.length;

/** The x of a mean over its last axes, and the first of them. */
function meanOf(v: Value): { x: Value; axis: number } | undefined {
  if (!reduceMean.is(v.op)) return undefined;
  const { axes, keepdims } = reduceMean.attributesOf(v.op);
  const x = v.op.operand(0);
  const rank = rankOf(x);
  const last = normalAxes(axes, rank).toSorted((a, b) => a - b);
  const axis = rank - last.length;
  return keepdims && last.length > 0 && last[0] === axis ? { x, axis } : undefined;
}

/** The norm that divides by √v: v is the mean of squares, plus a constant. */
function normBelow(v: Value): NormBelow | undefined {
  const { x: power, c: epsilon } = shifted(v);
  const mean = meanOf(power);
  const numerator = mean && squareRootOf(mean.x);
  if (!mean || !numerator || epsilon < 0) return undefined;
  const { axis } = mean;
  const centred = sub.is(numerator.op) && withoutClamp(numerator.op) ? numerator.op : undefined;
  const own = centred && meanOf(centred.operand(1));
  if (own && own.x === centred.operand(0) && own.axis === axis) {
    return { x: own.x, axis, epsilon, center: true, numerator };
  }
  return { x: numerator, axis, epsilon, center: false, numerator };
}

function create(rewriter: Rewriter, root: Op, { x, axis, epsilon, center }: Norm): Value {
  return rewriter.create(normalize, { x }, { axis, epsilon, center }, { source: root.source }).result;
}

// c/√(mean(c²) + ε) == normalize(x), c = x − mean(x) or x
const quotient = rule('norm-quotient', op(div, { a: value('a'), b: value('b') }), ({ root, a, b }, rewriter) => {
  const below = underRoot(b);
  const norm = below && normBelow(below);
  return norm && sameExpression(norm.numerator, a) ? create(rewriter, root, norm) : undefined;
});

/** r·γ or r alone, r = 1/√(mean of squares + ε). */
function scaledInverse(v: Value): { norm: NormBelow; gamma: Value | undefined } | undefined {
  const readings = [[v, undefined], ...factorsOf(v)] as readonly (readonly [Value, Value | undefined])[];
  for (const [inverse, gamma] of readings) {
    const below = underInverseRoot(inverse);
    const norm = below && normBelow(below);
    if (norm) return { norm, gamma };
  }
  return undefined;
}

/** normalize(x)·γ, or normalize(x). */
function createScaled(rewriter: Rewriter, root: Op, norm: Norm, gamma: Value | undefined): Value {
  const normal = create(rewriter, root, norm);
  return gamma ? rewriter.create(mul, { a: normal, b: gamma }).result : normal;
}

// c·γ/√(mean(c²) + ε) == normalize(x)·γ, c = x − mean(x) or x
const product = rule('norm-product', op(mul), ({ root }, rewriter) => {
  if (!withoutClamp(root)) return undefined;
  for (const [numerator, factor] of bothOrders(root)) {
    const found = scaledInverse(factor);
    if (found && sameExpression(found.norm.numerator, numerator)) {
      return createScaled(rewriter, root, found.norm, found.gamma);
    }
  }
  return undefined;
});

// x·s + (β − mean(x)·s) == normalize(x)·γ + β, s = γ/√(mean((x − mean(x))²) + ε): TensorFlow's batch-normalization form
const affine = rule('norm-affine', op(add), ({ root }, rewriter) => {
  if (!withoutClamp(root)) return undefined;
  for (const [scaled, offset] of bothOrders(root)) {
    const rest = sub.is(offset.op) && withoutClamp(offset.op) ? offset.op : undefined;
    for (const [x, factor] of rest ? factorsOf(scaled) : []) {
      const found = scaledInverse(factor);
      if (!rest || !found?.norm.center || found.norm.x !== x) continue;
      if (!isMeanTimes(rest.operand(1), found.norm, factor)) continue;
      const a = createScaled(rewriter, root, found.norm, found.gamma);
      return rewriter.create(add, { a, b: rest.operand(0) }).result;
    }
  }
  return undefined;
});

/** Whether `v` is mean(x)·factor. */
function isMeanTimes(v: Value, { x, axis }: Norm, factor: Value): boolean {
  return factorsOf(v).some(([a, b]) => {
    const mean = meanOf(a);
    return b === factor && mean?.x === x && mean.axis === axis;
  });
}

/** Normalizations that a model spells out become `nn.normalize`; scale and bias stay a product and a sum after it. */
export const recognizeNorms = defineRewritePass({
  name: 'recognize-norms',
  summary: 'Finds layer and RMS normalization that are spelled out in means, squares and roots.',
  phase: 'transform',
  preserves: { tolerance: 1e-5 },
  rules: [quotient, product, affine],
});
