import type { Compose, OpMaker } from '../../../dialects/nn/composed/compose.ts';
import { rotary } from '../../../dialects/nn/rotary.ts';
import { type Dim, knownSize, type TensorType, type Value } from '../../../src/ir/index.ts';
import { op, rule, value } from '../../../src/rewrite/index.ts';
import { composing } from './composing.ts';

const dimsOf = (value: Value): readonly Dim[] => (value.type as TensorType).shape;

/** The first and the second elements of all pairs of the last axis. */
function pairsOf(c: Compose<OpMaker>, x: Value, interleaved: boolean): [Value, Value] {
  const last = dimsOf(x).length - 1;
  const half = knownSize(dimsOf(x)[last] as Dim) / 2;
  const part = (i: number) => (interleaved ? c.slice(x, last, i, half, 2) : c.slice(x, last, i * half, half));
  return [part(0), part(1)];
}

function joined(c: Compose<OpMaker>, parts: readonly [Value, Value], interleaved: boolean): Value {
  const shape = dimsOf(parts[0]);
  if (!interleaved) return c.concat(parts, shape.length - 1);
  const columns = parts.map((part) => c.reshape(part, [...shape, 1]));
  return c.reshape(c.concat(columns, shape.length), shape.with(-1, 2 * knownSize(shape.at(-1) as Dim)));
}

// rotary(x, cos, sin) == join(a·cos − b·sin, b·cos + a·sin), a and b the elements of each pair
export const rotaryRule = rule(
  'rotary-as-products',
  op(rotary, { x: value('x'), cos: value('cos'), sin: value('sin') }),
  ({ root, x, cos, sin }, rewriter) => {
    const { interleaved } = rotary.attributesOf(root);
    const c = composing(rewriter, root);
    const size = dimsOf(x).at(-1);
    const byPair = (table: Value): [Value, Value] =>
      dimsOf(table).at(-1) === size ? pairsOf(c, table, interleaved) : [table, table];
    const [a, b] = pairsOf(c, x, interleaved);
    const [[cosA, cosB], [sinA, sinB]] = [byPair(cos), byPair(sin)];
    const first = c.sub(c.mul(a, cosA), c.mul(b, sinA));
    const second = c.add(c.mul(b, cosB), c.mul(a, sinB));
    return joined(c, [first, second], interleaved);
  },
);
