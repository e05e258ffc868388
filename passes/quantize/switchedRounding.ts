import { add, mul, sub } from '../../dialects/nn/binary.ts';
import { dcast } from '../../dialects/quant/dcast.ts';
import { observe } from '../../dialects/quant/observe.ts';
import { qcast } from '../../dialects/quant/qcast.ts';
import { type Block, Rewriter, type TensorType, tensor, type Value, withElement } from '../../src/ir/index.ts';
import type { Sample } from '../../src/pass/define.ts';
import type { QuantizationPlan } from './plan.ts';

/** Values that are rounded together, and their 8-bit types. */
export type Group = ReadonlyMap<Value, TensorType['element']>;

/**
 * Rounding that a sample turns on and off: y = x + switch·(round(x) − x), a switch for each group of values. An input
 * of @main is added for each switch, 0 or 1; `remove` takes everything out again.
 */
export class SwitchedRounding {
  readonly #body: Block;
  readonly #rewriter = new Rewriter();
  readonly #undo: (() => void)[] = [];
  readonly #names: string[] = [];

  constructor(body: Block, groups: readonly Group[], plan: QuantizationPlan) {
    this.#body = body;
    groups.forEach((group, i) => {
      const name = `(rounding ${i})`;
      this.#names.push(name);
      const on = body.addArgument(tensor([1], 'f32'), name);
      for (const [value, element] of group) this.#round(value, element, on, plan);
    });
  }

  /** A sample with some of the switches on. */
  switched(sample: Sample, on: (group: number) => boolean): Sample {
    const switches = this.#names.map((name, i) => {
      const data = Float32Array.of(on(i) ? 1 : 0);
      return [name, { dtype: 'f32' as const, shape: [1], data }] as const;
    });
    return { ...sample, ...Object.fromEntries(switches) };
  }

  remove(): void {
    for (const undo of this.#undo.toReversed()) undo();
    this.#body.dropArguments(this.#names.length);
  }

  /** Those that will read codes read the rounded value; where nothing else will be left of a value, all do. */
  #round(x: Value, element: TensorType['element'], on: Value, { ops, codes }: QuantizationPlan): void {
    const uses = [...x.uses].filter(({ op }) => !observe.is(op) && (codes.has(x) || ops.has(op)));
    if (uses.length === 0) return;
    const rewriter = this.#rewriter;
    if (x.op) rewriter.after(x.op);
    else rewriter.atStart(this.#body);
    const type = x.type as TensorType;
    const coded = rewriter.create(qcast, { x }, {}, { types: [withElement(type, element)] });
    const real = rewriter.create(dcast, { x: coded.result }, {}, { types: [type] });
    const error = rewriter.create(sub, { a: real.result, b: x });
    const taken = rewriter.create(mul, { a: error.result, b: on });
    const y = rewriter.create(add, { a: x, b: taken.result });
    for (const { op, index } of uses) rewriter.setOperand(op, index, y.result);
    this.#undo.push(() => {
      for (const { op, index } of uses) rewriter.setOperand(op, index, x);
      for (const op of [y, taken, error, real, coded]) rewriter.erase(op);
    });
  }
}
