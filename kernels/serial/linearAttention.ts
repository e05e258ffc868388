import { expF32 } from '../../dialects/kernel/elementary.ts';
import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { staticShape, type Value } from '../../src/ir/index.ts';
import { lanesFor } from '../../src/target/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import { type Access, loopNest } from '../loops.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { everywhere } from './nest.ts';

/** Consecutive elements from `base` on. */
const from = (base: Value): Access => ({ strides: [1], offset: 0, base });

/** One step of one head: where its parts begin. */
interface Step {
  readonly state: Value;
  readonly key: Value;
  readonly value: Value;
}

/** nn.linear_attention: the states are kept where they are returned; a row of y holds what is written into them. */
export function linearAttention({ root }: Cluster, context: KernelContext): KernelPlan {
  const operands = root.operands as readonly (Value | undefined)[];
  const [query, key, value, past, decay, beta] = operands as [Value, Value, Value, ...(Value | undefined)[]];
  const { heads, kv_heads, scale, rule } = root.attributes as {
    heads: number;
    kv_heads: number;
    scale: number;
    rule?: string;
  };
  const [y, state] = root.results as [Value, Value];
  const [batches, , size, width] = staticShape(tensorType(state)) as [number, number, number, number];
  const steps = staticShape(tensorType(query))[1] as number;
  const shared = heads / kv_heads;
  const corrects = (rule ?? 'gated_delta').endsWith('delta');
  const lanes = lanesFor(context.target, 4);
  const present = operands.filter((v): v is Value => v !== undefined);

  const build = (k: KernelBuilder): void => {
    const buffers = new Map(present.map((v, i) => [v, context.input(k, `x${i}`, v)]));
    const of = (v: Value | undefined) => v && buffers.get(v);
    const [queries, keys, values] = [of(query), of(key), of(value)] as [Value, Value, Value];
    const [out, states] = [context.output(k, y), context.output(k, state, 'state')];
    loopNest(k, [batches * kv_heads * size * width], [from(k.index(0))], lanes, ([at], n) => {
      const before = of(past);
      k.store(before ? k.load(before, at as Value, n) : k.repeated(0, 'f32', n), states, at as Value);
    });

    /** Number `d` of a gate: one for all heads, one a head, or one for each element of a key. */
    const gate = (x: Value, row: Value, head: Value, d: Value): Value => {
      const last = staticShape(tensorType(x))[2] as number;
      const each = last === 1 ? 0 : last / kv_heads;
      const at = k.add(k.scaled(row, last), k.scaled(head, each));
      return k.load(of(x) as Value, each > 1 ? k.add(at, d) : at);
    };

    /** Σ x[d]·state[d, m] for lanes of m. */
    const retrieve = (x: Value, start: Value, { state: own }: Step, m: Value, n: number): Value =>
      k.for(0, size, 1, [k.repeated(0, 'f32', n)], (d, [sum]) => {
        const row = k.load(states, k.add(own, k.add(k.scaled(d, width), m)), n);
        return [k.add(sum as Value, k.mul(k.splat(k.load(x, k.add(start, d)), n), row))];
      })[0] as Value;

    const forget = (row: Value, head: Value, { state: own }: Step): void =>
      k.loop(0, size, 1, (d) => {
        const factor = expF32(k, gate(decay as Value, row, head, d));
        loopNest(k, [width], [from(k.add(own, k.scaled(d, width)))], lanes, ([at], n) => {
          k.store(k.mul(k.load(states, at as Value, n), k.splat(factor, n)), states, at as Value);
        });
      });

    /** What the step writes into the state, as a row of y. */
    const written = (row: Value, head: Value, step: Step, to: Value): void =>
      loopNest(k, [width], [from(k.index(0))], lanes, ([m], n) => {
        const given = k.load(values, k.add(step.value, m as Value), n);
        const strength = corrects ? k.splat(gate(beta as Value, row, head, k.index(0)), n) : undefined;
        const kept = strength ? k.mul(strength, k.sub(given, retrieve(keys, step.key, step, m as Value, n))) : given;
        k.store(kept, out, k.add(to, m as Value));
      });

    everywhere(k, [batches, kv_heads, steps], ([batch, head, t]) => {
      const row = k.add(k.scaled(batch as Value, steps), t as Value);
      const pair = k.add(k.scaled(row, kv_heads), head as Value);
      const step: Step = {
        state: k.mul(k.add(k.scaled(batch as Value, kv_heads), head as Value), k.index(size * width)),
        key: k.scaled(pair, size),
        value: k.scaled(pair, width),
      };
      const first = k.add(k.scaled(row, heads), k.scaled(head as Value, shared));
      const to = k.scaled(first, width);
      if (decay) forget(row, head as Value, step);
      written(row, head as Value, step, to);
      k.loop(0, size, 1, (d) => {
        const factor = k.load(keys, k.add(step.key, d));
        const accesses = [from(k.add(step.state, k.scaled(d, width))), from(to)];
        loopNest(k, [width], accesses, lanes, ([at, added], n) => {
          const more = k.mul(k.splat(factor, n), k.load(out, added as Value, n));
          k.store(k.add(k.load(states, at as Value, n), more), states, at as Value);
        });
      });
      k.loop(0, shared, 1, (g) => {
        const one = k.add(first, g);
        loopNest(k, [width], [from(k.index(0))], lanes, ([m], n) => {
          const sum = retrieve(queries, k.scaled(one, size), step, m as Value, n);
          k.store(k.mul(sum, k.repeated(scale, 'f32', n)), out, k.add(k.scaled(one, width), m as Value));
        });
      });
    });
  };
  return {
    operands: present,
    multiplyAdds: batches * steps * size * width * (heads + kv_heads),
    variants: [{ feature: undefined, build }],
  };
}
