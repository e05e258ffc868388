import { and } from '../../../dialects/nn/compare.ts';
import { concat } from '../../../dialects/nn/concat.ts';
import { loop } from '../../../dialects/nn/loop.ts';
import { reshape } from '../../../dialects/nn/reshape.ts';
import type { Block, Dim, Rewriter, TensorType, Value } from '../../../src/ir/index.ts';
import { op, rule } from '../../../src/rewrite/index.ts';
import { constantOf, createConstant } from '../../constants.ts';
import { chosen, findsSizes, inlined, isPlain, mostOps, sameTypes } from '../../transform/regions.ts';

const shapeOf = (value: Value): readonly Dim[] => (value.type as TensorType).shape;

const holds = (value: Value | undefined) => Boolean(constantOf(value)?.data[0]);

function createStep(rewriter: Rewriter, name: string, i: number): Value {
  return createConstant(rewriter, name, { dtype: 'i64', shape: [], data: BigInt64Array.of(BigInt(i)) });
}

/** A condition of one element, as a scalar. */
function scalarOf(rewriter: Rewriter, x: Value): Value {
  return shapeOf(x).length === 0 ? x : rewriter.create(reshape, { x }, { shape: [] }).result;
}

export const loopRules = [
  // loop(body){at most n trips, while c} == body(… body(body(x))), each step taken where c still holds
  rule('unroll-loop', op(loop), ({ root }, rewriter) => {
    const region = root.regions[0] as Block;
    const [limit, condition, ...inputs] = root.operands as [Value, Value, ...Value[]];
    const trips = Number(constantOf(limit)?.data[0]);
    const size = [...region.ops()].length;
    if (!(trips >= 1 && trips * size <= mostOps) || !isPlain(region) || findsSizes(region)) return undefined;
    const { carried } = loop.attributesOf(root);
    // what a step gives must be what the next one takes
    const given = (region.last?.operands ?? []) as Value[];
    if (!sameTypes(inputs.slice(0, carried), given.slice(1, carried + 1))) return undefined;
    if (!sameTypes(region.args.slice(1), inputs)) return undefined;
    const always = holds(condition) && holds(given[0]);
    if (!always && root.results.length > carried) return undefined;
    const fixed = inputs.slice(carried);
    let goesOn = always ? undefined : scalarOf(rewriter, condition);
    let values = inputs.slice(0, carried);
    const slices: Value[][] = root.results.slice(carried).map(() => []);
    for (let i = 0; i < trips; i++) {
      const step = createStep(rewriter, `${root.source}.step`, i);
      const [more, ...next] = inlined(rewriter, region, [step, ...values, ...fixed]) as [Value, ...Value[]];
      const taken = next.slice(0, carried);
      values = goesOn ? [...chosen(rewriter, goesOn, taken, values)] : taken;
      if (goesOn) goesOn = rewriter.create(and, { a: goesOn, b: scalarOf(rewriter, more) }).result;
      slices.forEach((all, s) => {
        const x = next[carried + s] as Value;
        all.push(rewriter.create(reshape, { x }, { shape: [1, ...shapeOf(x)] }).result);
      });
    }
    const stacked = slices.map((xs) => rewriter.create(concat, { xs }, { axis: 0 }).result);
    return [...values, ...stacked];
  }),
];
