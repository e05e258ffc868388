import { concat } from '../../../dialects/nn/concat.ts';
import { loop } from '../../../dialects/nn/loop.ts';
import { reshape } from '../../../dialects/nn/reshape.ts';
import type { Block, Op, Rewriter, Value } from '../../../src/ir/index.ts';
import { op, rule } from '../../../src/rewrite/index.ts';
import { constantOf, createConstant } from '../../constants.ts';
import { shapeOf } from './axes.ts';

/** Most ops that an unrolled loop may come to: kernels have a size. */
const mostOps = 4096;

const isStatic = ({ type }: Value) => type.kind === 'tensor' && type.shape.every((dim) => typeof dim === 'number');

/** Whether a region is plain ops on sizes that are known. */
function isPlain(region: Block): boolean {
  return [...region.ops()].every((inner) => inner.regions.length === 0 && inner.results.every(isStatic));
}

/** The ops of a region again, on other arguments: what it gives. */
function inlined(rewriter: Rewriter, region: Block, args: readonly Value[]): Value[] {
  const values = new Map<Value, Value>(region.args.map((arg, i) => [arg, args[i] as Value]));
  const of = (value: Value | undefined) => value && (values.get(value) ?? value);
  const ops = [...region.ops()];
  for (const inner of ops.slice(0, -1)) {
    const types = inner.results.map((result) => result.type);
    const made = rewriter.createRaw(inner.definition, inner.operands.map(of), inner.attributes, {
      types,
      source: inner.source,
    });
    inner.results.forEach((result, i) => {
      values.set(result, made.results[i] as Value);
    });
  }
  return (ops.at(-1) as Op).operands.map((value) => of(value) as Value);
}

/** How often a loop runs, when that is known: its condition always holds, and its steps are counted. */
function tripsOf(root: Op, region: Block): number | undefined {
  const [trips, condition, goesOn] = [root.operand(0), root.operand(1), region.last?.operands[0]].map(constantOf);
  if (!trips || !condition?.data[0] || !goesOn?.data[0]) return undefined;
  return Number(trips.data[0]);
}

export const loopRules = [
  // loop(body){n trips} == body(… body(body(x)))
  rule('unroll-loop', op(loop), ({ root }, rewriter) => {
    const region = root.regions[0] as Block;
    const trips = tripsOf(root, region);
    const size = [...region.ops()].length;
    if (trips === undefined || trips < 1 || trips * size > mostOps || !isPlain(region)) return undefined;
    const { carried } = loop.attributesOf(root);
    const inputs = root.operands.slice(2) as Value[];
    // what a step gives must be what the next one takes
    const given = region.last?.operands ?? [];
    if (inputs.slice(0, carried).some((v, i) => v.type !== given[i + 1]?.type)) return undefined;
    const fixed = inputs.slice(carried);
    let values = inputs.slice(0, carried);
    const slices: Value[][] = root.results.slice(carried).map(() => []);
    for (let i = 0; i < trips; i++) {
      const data = BigInt64Array.of(BigInt(i));
      const step = createConstant(rewriter, `${root.source}.step`, { dtype: 'i64', shape: [], data });
      const [, ...next] = inlined(rewriter, region, [step, ...values, ...fixed]);
      values = next.slice(0, carried);
      slices.forEach((all, s) => {
        const x = next[carried + s] as Value;
        all.push(rewriter.create(reshape, { x }, { shape: [1, ...shapeOf(x)] }).result);
      });
    }
    const stacked = slices.map((xs) => rewriter.create(concat, { xs }, { axis: 0 }).result);
    return [...values, ...stacked];
  }),
];
