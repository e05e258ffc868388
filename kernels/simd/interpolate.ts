import { interpolate as definition } from '../../dialects/int/interpolate.ts';
import { narrowed } from '../../dialects/int/narrow.ts';
import { type KernelBuilder, pieces } from '../../dialects/kernel/index.ts';
import { productOf, storageOf, tensor, type Value } from '../../src/ir/index.ts';
import { knotBits } from '../../src/numerics/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { writeNest } from '../write.ts';

/** Numbers that say what a piece is; a register holds them, and as many codes are computed at once. */
const piece = 4;

/** int.interpolate: the piece around each code, whose four numbers lie together. Codes may lie in any order. */
export function interpolate(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const { target, rewriter } = context;
  const { r, zero_point, min, max } = definition.attributesOf(root);
  const [x, knots, bends] = root.operands.map((v) => v && cluster.outside(v)) as [Value, Value, Value | undefined];
  const [type, result] = [tensorType(x), tensorType(cluster.result)];
  const types = [tensor([piece * 2 ** (16 - r)], 'i32')];
  const table = r === 0 ? knots : rewriter.create(pieces, { knots, bends }, {}, { types }).result;
  const operands = [x, table];
  const access = { strides: [1], offset: 0 };
  const build = (k: KernelBuilder): void => {
    const [input, read] = [context.input(k, 'x', x), context.input(k, 'pieces', table)];
    const y = context.output(k, cluster.result);
    const lanes = target.family === 'simd' && target.vectorBytes > 0 ? piece : 1;
    const written = { buffer: y, access };
    writeNest(k, target, [productOf(type.shape)], [access], written, lanes, ([at], n) => {
      const code = (i: Value, lanes: number) => {
        const x = k.convert(k.load(input, i, lanes), 'i32');
        return k.add(x, k.constant(32768, 'i32', x));
      };
      // one by one they are at hand as places; lanes of a vector would have to be taken apart
      const places = Array.from({ length: n }, (_, i) => k.shr(code(k.add(at as Value, k.index(i)), 1), r));
      const value = r === 0 ? knotsAt(k, read, places) : valueAt(k, read, places, code(at as Value, n), r);
      const rounded = k.shr(k.add(value, k.constant(2 ** (knotBits - 1), 'i32', value)), knotBits);
      return narrowed(k, k.add(rounded, k.constant(zero_point, 'i32', rounded)), root, { min, max });
    });
  };
  const isSameSize = storageOf(type.element) === storageOf(result.element);
  return { operands, variants: [{ feature: undefined, build }], inPlace: isSameSize ? [0] : [] };
}

const knotsAt = (k: KernelBuilder, knots: Value, places: readonly Value[]): Value =>
  k.concat(places.map((at) => k.load(knots, k.convert(at, 'index'))));

function valueAt(k: KernelBuilder, table: Value, places: readonly Value[], u: Value, r: number): Value {
  const f = k.and(u, k.constant(2 ** r - 1, 'i32', u));
  const [from, rise, bend, slope] = numbersAt(k, table, places) as [Value, Value, Value, Value];
  const share = (a: Value, of: Value) => k.shr(k.mul(a, of), r);
  const bent = share(k.add(bend, share(slope, f)), k.sub(k.constant(2 ** r, 'i32', f), f));
  return k.add(from, share(k.add(rise, bent), f));
}

/** The numbers of the pieces at these places, each number of all of them in one value. */
function numbersAt(k: KernelBuilder, table: Value, places: readonly Value[]): Value[] {
  const at = places.map((place) => k.scaled(k.convert(place, 'index'), piece));
  if (at.length === 1) return Array.from({ length: piece }, (_, i) => k.load(table, k.add(at[0] as Value, k.index(i))));
  const [a, b, c, d] = at.map((place) => k.load(table, place, piece)) as [Value, Value, Value, Value];
  const turned = k.interleave(k.interleave(a, c), k.interleave(b, d));
  return Array.from({ length: piece }, (_, i) => k.slice(turned, piece * i, piece));
}
