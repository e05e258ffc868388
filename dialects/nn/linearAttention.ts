import { attr, type Dim, defineOp, floorDivDim, mulDim, tensor, type Value } from '../../src/ir/index.ts';
import { elementary } from '../../src/numerics/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import { knownCount } from './axes.ts';
import { commonElement } from './broadcast.ts';
import { real, toF64 } from './elements.ts';

const rules = ['linear', 'gated', 'delta', 'gated_delta'] as const;

export const linearAttention = defineOp({
  name: 'nn.linear_attention',
  summary:
    'Step by step, S ← e^decay·S + k⊗v and y = scale·qS; with delta, v counts as beta·(v − kS). S is the state of each head.',
  operands: {
    query: 'required',
    key: 'required',
    value: 'required',
    past: 'optional',
    decay: 'optional',
    beta: 'optional',
  },
  attributes: { heads: attr.int(), kv_heads: attr.int(), scale: attr.float(), rule: attr.oneOf(rules, 'gated_delta') },
  results: ['y', 'state'],
  infer({ query, key, value, past, decay, beta }, { heads, kv_heads, rule }) {
    const fail = (what: string, why: string): never => {
      throw new QcError({ what, why, help: 'export the model again' });
    };
    if (kv_heads < 1 || heads % kv_heads !== 0)
      fail(`${heads} heads of queries for ${kv_heads} of keys`, 'they must divide');
    if ([query, key, value].some((x) => x.shape.length !== 3))
      fail('operands of another rank', 'they are [N, steps, heads·size]');
    if (rule.startsWith('gated') !== Boolean(decay) || rule.endsWith('delta') !== Boolean(beta)) {
      fail(
        `the rule '${rule}' ${decay ? 'with' : 'without'} decay and ${beta ? 'with' : 'without'} beta`,
        'it needs its own operands',
      );
    }
    const element = commonElement([query, key, value]);
    const [batch, steps] = query.shape as [Dim, Dim];
    const [own, width] = [floorDivDim(key.shape[2] as Dim, kv_heads), floorDivDim(value.shape[2] as Dim, kv_heads)];
    return [
      tensor([batch, steps, mulDim(width, heads)], element),
      tensor([batch, kv_heads, own, width], past ? past.element : element),
    ];
  },
  evaluate({ query, key, value, past, decay, beta }, { heads, kv_heads, scale, rule }): HostTensor[] {
    const [batches, steps] = query.shape as [number, number];
    const [size, width] = [(key.shape[2] as number) / kv_heads, (value.shape[2] as number) / kv_heads];
    const [q, k, v] = [toF64(query), toF64(key), toF64(value)];
    const state = past ? toF64(past).slice() : new Float64Array(batches * kv_heads * size * width);
    const y = new Float64Array(batches * steps * heads * width);
    const shared = heads / kv_heads;
    for (let n = 0; n < batches; n++) {
      for (let h = 0; h < kv_heads; h++) {
        const own = state.subarray((n * kv_heads + h) * size * width, (n * kv_heads + h + 1) * size * width);
        for (let t = 0; t < steps; t++) {
          const row = n * steps + t;
          const at = (data: Float64Array, part: number) =>
            data.subarray((row * kv_heads + h) * part, (row * kv_heads + h + 1) * part);
          if (decay) decayState(own, gates(decay, row, h, kv_heads), size, width);
          const keys = at(k, size);
          const factor = beta ? gates(beta, row, h, kv_heads)[0] : undefined;
          const values = rule.endsWith('delta') ? corrected(own, keys, at(v, width), factor as number) : at(v, width);
          for (let i = 0; i < own.length; i++) {
            const [d, m] = [Math.floor(i / width), i % width];
            own[i] = (own[i] as number) + (keys[d] as number) * (values[m] as number);
          }
          for (let g = h * shared; g < (h + 1) * shared; g++) {
            const to = (row * heads + g) * width;
            const queries = q.subarray((row * heads + g) * size, (row * heads + g + 1) * size);
            y.set(
              retrieve(own, queries, width).map((sum) => scale * sum),
              to,
            );
          }
        }
      }
    }
    return [real([batches, steps, heads * width], y), real([batches, kv_heads, size, width], state)];
  },
  cost: ({ key, value }, { kv_heads }, [y]) => ({
    multiplyAdds:
      (2 * knownCount(y?.shape ?? []) * knownCount(key.shape.slice(2)) * knownCount(value.shape.slice(2))) /
      (kv_heads * knownCount(value.shape.slice(2))),
  }),
  lower: { kind: 'template', template: 'linear_attention' },
  onnx: [
    {
      op: 'LinearAttention',
      build(node): Value[] {
        const [query, key, value] = [node.input(0), node.input(1), node.input(2)];
        const [heads, kv_heads] = [node.int('q_num_heads'), node.int('kv_num_heads')];
        const named = node.string('update_rule', 'gated_delta');
        const rule = rules.find((known) => known === named) ?? node.refuse(`update_rule '${named}'`);
        // How many steps a runtime takes at once does not change the result.
        node.int('chunk_size', 64);
        const width = (query.type as typeof query.type & { shape: readonly Dim[] }).shape[2] as Dim;
        if (typeof width !== 'number') return node.refuse('heads whose size is not known');
        const scale = node.float('scale', 0) || 1 / Math.sqrt(width / heads);
        const operands = {
          query,
          key,
          value,
          past: node.optionalInput(3),
          decay: node.optionalInput(4),
          beta: node.optionalInput(5),
        };
        return [...node.create(linearAttention, operands, { heads, kv_heads, scale, rule }).results];
      },
    },
  ],
});

/** The numbers of one step and head: one, one for each element of a key, or one for all heads. */
function gates(x: HostTensor, row: number, head: number, heads: number): Float64Array {
  const last = x.shape[2] as number;
  const each = last === 1 ? 1 : last / heads;
  const start = row * last + (last === 1 ? 0 : head * each);
  return toF64(x).subarray(start, start + each);
}

function decayState(state: Float64Array, decay: Float64Array, size: number, width: number): void {
  for (let d = 0; d < size; d++) {
    const factor = elementary.exp(decay[decay.length === 1 ? 0 : d] as number);
    for (let m = 0; m < width; m++) state[d * width + m] = (state[d * width + m] as number) * factor;
  }
}

/** Σ x[d]·state[d, m]. */
function retrieve(state: Float64Array, x: Float64Array, width: number): Float64Array {
  const sums = new Float64Array(width);
  for (let i = 0; i < state.length; i++) {
    sums[i % width] = (sums[i % width] as number) + (x[Math.floor(i / width)] as number) * (state[i] as number);
  }
  return sums;
}

/** beta·(v − what the state already gives for the key). */
function corrected(state: Float64Array, key: Float64Array, value: Float64Array, beta: number): Float64Array {
  const known = retrieve(state, key, value.length);
  return value.map((v, m) => beta * (v - (known[m] as number)));
}
