import type { KernelBuilder } from '../../dialects/kernel/index.ts';
import { type Op, staticShape, tensor, type Value } from '../../src/ir/index.ts';
import { lanesFor } from '../../src/target/index.ts';
import { type Cluster, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { overRow } from '../simd/row.ts';
import { activationsOf } from './activation.ts';

/** One hidden unit of one step: its sums by gate, of the input and of the state before, each with its bias. */
interface Unit {
  /** Number of the unit, in its direction. */
  readonly i: Value;
  /** Place in the states [D, N, H]. */
  readonly at: Value;
  readonly input: (gate: number) => Value;
  readonly state: (gate: number) => Value;
  /** As `state`, of the state that a GRU has reset. */
  readonly reset: (gate: number) => Value;
  readonly gate: (gate: number) => Value;
}

/** The next state of a unit. */
type Cell = (k: KernelBuilder, unit: Unit, before: Value) => Value;

type Apply = (k: KernelBuilder, x: Value) => Value;

interface Buffers {
  readonly cells: Value | undefined;
  readonly peepholes: Value | undefined;
}

const gateCounts: Record<string, number> = { 'nn.rnn': 1, 'nn.gru': 3, 'nn.lstm': 4 };

function rnnCell(root: Op, direction: number): Cell {
  const [f] = activationsOf(root, direction, 1) as [Apply];
  return (k, unit) => f(k, unit.gate(0));
}

function gruCell(root: Op, direction: number): Cell {
  const [f, g] = activationsOf(root, direction, 2) as [Apply, Apply];
  return (k, unit, before) => {
    const [z, r] = [f(k, unit.gate(0)), f(k, unit.gate(1))];
    const recurrent = root.attributes.linear_before_reset ? k.mul(r, unit.state(2)) : unit.reset(2);
    const c = g(k, k.add(unit.input(2), recurrent));
    return k.add(k.mul(k.sub(k.constant(1, 'f32'), z), c), k.mul(z, before));
  };
}

function lstmCell(root: Op, direction: number, hidden: number, { cells, peepholes }: Buffers): Cell {
  const [f, g, h] = activationsOf(root, direction, 3) as [Apply, Apply, Apply];
  return (k, unit) => {
    const before = k.load(cells as Value, unit.at);
    const peep = (gate: number, c: Value, sum: Value): Value => {
      if (!peepholes) return sum;
      return k.add(sum, k.mul(k.load(peepholes, k.add(unit.i, k.index((direction * 3 + gate) * hidden))), c));
    };
    const input = f(k, peep(0, before, unit.gate(0)));
    const forget = root.attributes.input_forget
      ? k.sub(k.constant(1, 'f32'), input)
      : f(k, peep(2, before, unit.gate(2)));
    const cell = k.add(k.mul(forget, before), k.mul(input, g(k, unit.gate(3))));
    k.store(cell, cells as Value, unit.at);
    return k.mul(f(k, peep(1, cell, unit.gate(1))), h(k, cell));
  };
}

/** `to` becomes `from`, or zeros. */
function copy(k: KernelBuilder, from: Value | undefined, to: Value, size: number): void {
  k.loop(0, size, 1, (i) => k.store(from ? k.load(from, i) : k.constant(0, 'f32'), to, i));
}

/** nn.rnn, nn.gru and nn.lstm: step by step, each unit's sums as products of rows. The last state is kept as a result. */
export function recurrent({ root }: Cluster, context: KernelContext): KernelPlan {
  const operands = root.operands as readonly (Value | undefined)[];
  const [x, w, r, b, lengths, firstState, firstCells, p] = operands as [Value, Value, Value, ...(Value | undefined)[]];
  const [length, batch, inputs] = staticShape(tensorType(x)) as [number, number, number];
  const [directions, , hidden] = staticShape(tensorType(r)) as [number, number, number];
  const gates = gateCounts[root.name] as number;
  const rows = gates * hidden;
  const states = directions * batch * hidden;
  const wide = lanesFor(context.target, 4);
  const [y, last, lastCells] = root.results as [Value, Value, Value | undefined];
  const resets = root.name === 'nn.gru' && !root.attributes.linear_before_reset;
  const present = operands.filter((v): v is Value => v !== undefined);

  const build = (k: KernelBuilder): void => {
    const buffers = new Map(present.map((v, i) => [v, context.input(k, `x${i}`, v)]));
    const of = (value: Value | undefined) => value && buffers.get(value);
    const [input, weights, matrix, bias] = [of(x), of(w), of(r), of(b)] as [Value, Value, Value, Value | undefined];
    const all = context.output(k, y);
    const state = context.output(k, last, 'state');
    const cells = lastCells && context.output(k, lastCells, 'cells');
    const kept = resets ? k.buffer('reset', 'f32', 'output') : state;
    if (lengths) copy(k, undefined, all, length * states);
    copy(k, of(firstState), state, states);
    if (cells) copy(k, of(firstCells), cells, states);

    /** Σ m[row·columns + i]·v[at + i], and a bias. */
    const product = (m: Value, row: Value, columns: number, v: Value, at: Value, biasAt: Value): Value => {
      const from = k.scaled(row, columns);
      const term = (i: Value, lanes: number) => k.mul(k.load(m, k.add(from, i), lanes), k.load(v, k.add(at, i), lanes));
      const sum = overRow(k, columns, wide, 0, term, (s, t) => k.add(s, t));
      return bias ? k.add(sum, k.load(bias, biasAt)) : sum;
    };

    for (let d = 0; d < directions; d++) {
      const backward = root.attributes.direction === 'reverse' || d === 1;
      const parts = { cells, peepholes: of(p) };
      const cell = gates === 4 ? lstmCell(root, d, hidden, parts) : gates === 3 ? gruCell(root, d) : rnnCell(root, d);
      k.loop(0, batch, 1, (n) => {
        const given = of(lengths);
        const steps = given ? k.min(k.convert(k.load(given, n), 'index'), k.index(length)) : k.index(length);
        const own = k.scaled(n, hidden, d * batch * hidden);
        k.loop(0, steps, 1, (step) => {
          const t = backward ? k.sub(k.sub(steps, k.index(1)), step) : step;
          const from = k.scaled(k.add(k.scaled(t, batch), n), inputs);
          const to = k.add(k.scaled(t, states), own);
          const unitAt = (i: Value): Unit => {
            const row = (gate: number) => k.add(i, k.index(d * rows + gate * hidden));
            const biasAt = (gate: number, part: number) => k.add(i, k.index((2 * d + part) * rows + gate * hidden));
            const ofInput = (gate: number) => product(weights, row(gate), inputs, input, from, biasAt(gate, 0));
            const ofState = (gate: number) => product(matrix, row(gate), hidden, state, own, biasAt(gate, 1));
            const reset = (gate: number) => product(matrix, row(gate), hidden, kept, k.index(0), biasAt(gate, 1));
            return {
              ...{ i, at: k.add(own, i), input: ofInput, state: ofState, reset },
              gate: (gate) => k.add(ofInput(gate), ofState(gate)),
            };
          };
          if (resets) {
            const [open] = activationsOf(root, d, 2) as [Apply];
            k.loop(0, hidden, 1, (i) => {
              const unit = unitAt(i);
              k.store(k.mul(open(k, unit.gate(1)), k.load(state, unit.at)), kept, i);
            });
          }
          k.loop(0, hidden, 1, (i) => {
            const unit = unitAt(i);
            k.store(cell(k, unit, k.load(state, unit.at)), all, k.add(to, i));
          });
          k.loop(0, hidden, 1, (i) => k.store(k.load(all, k.add(to, i)), state, k.add(own, i)));
        });
      });
    }
  };
  return {
    operands: present,
    multiplyAdds: length * batch * directions * rows * (inputs + hidden),
    variants: [{ feature: undefined, build }],
    ...(resets ? { scratch: [tensor([hidden], 'f32')] } : {}),
  };
}
