import { attention } from '../../../dialects/nn/attention.ts';
import { conv } from '../../../dialects/nn/conv.ts';
import { normalize } from '../../../dialects/nn/layerNorm.ts';
import { matmul } from '../../../dialects/nn/matmul.ts';
import type { Op, TensorType, Value } from '../../../src/ir/index.ts';
import { isLinear } from '../../channels.ts';
import { withoutClamp } from '../../clamps.ts';
import { constantOf, floatConstantOf } from '../../constants.ts';
import { type MapKind, operandAxes, resultAxis } from './channelAxes.ts';
import { isMatrixLayer } from './matrixLayer.ts';

/** A constant operand that is multiplied along an axis. */
export interface ConstantUse {
  readonly op: Op;
  readonly index: number;
  readonly axis: number;
}

/** Everything that changes when values are multiplied by an orthogonal matrix, in blocks of neighbouring channels. */
export interface RotatedChannels {
  readonly block: number;
  /** The values, and where their channels are. */
  readonly values: ReadonlyMap<Value, number>;
  /** Constants that make values: layers' columns and biases, tables, offsets. Of a constant in two places both. */
  readonly writers: readonly ConstantUse[];
  /** Rows of the layers that read values. */
  readonly readers: readonly ConstantUse[];
  /** Normalizations between values, or, where the search stops at them, those that read values. */
  readonly norms: readonly Op[];
}

/**
 * Follows a value to everything that has its channels, up to layers with constant weights.
 * @param block neighbouring channels that may be mixed with one another
 * @param within stop at normalizations: the part whose mean one of them takes
 * @param kind what is multiplied by: functions of single elements let permutations through
 * @returns why some of it cannot be multiplied, with the node's name, where that is so
 */
export function rotatedChannels(
  value: Value,
  axis: number,
  block: number,
  { within = false, kind = 'linear' }: { readonly within?: boolean; readonly kind?: MapKind } = {},
): RotatedChannels | { readonly refused: string; readonly values: ReadonlyMap<Value, number> } {
  const found = new Search(block, within, kind);
  found.join(value, axis);
  const refused = found.run();
  return refused === undefined ? found : { refused, values: found.values };
}

class Search implements RotatedChannels {
  readonly values = new Map<Value, number>();
  readonly writers: ConstantUse[] = [];
  readonly readers: ConstantUse[] = [];
  readonly norms: Op[] = [];
  readonly block: number;
  readonly #within: boolean;
  readonly #kind: MapKind;
  readonly #queue: Value[] = [];
  readonly #seen = new Set<Op>();
  #refused: string | undefined;

  constructor(block: number, within: boolean, kind: MapKind) {
    this.block = block;
    this.#within = within;
    this.#kind = kind;
  }

  join(value: Value, axis: number): void {
    const known = this.values.get(value);
    if (known === axis) return;
    if (known !== undefined) this.#refuse(value.op, 'has the channels twice');
    this.values.set(value, axis);
    this.#queue.push(value);
  }

  /** @returns the first reason against it */
  run(): string | undefined {
    for (let value = this.#queue.pop(); value && !this.#refused; value = this.#queue.pop()) {
      const axis = this.values.get(value) as number;
      this.#made(value, axis);
      for (const use of value.uses) this.#read(use.op, use.index, axis);
    }
    return this.#refused;
  }

  #refuse(op: Op | undefined, why: string): void {
    this.#refused ??= op ? `${op.source || op.name} (${op.name}) ${why}` : why;
  }

  /** What makes a value makes it with its channels multiplied. */
  #made(value: Value, axis: number): void {
    const { op } = value;
    if (!op) {
      this.#refuse(undefined, `${value.name ?? 'a value'} comes from outside`);
      return;
    }
    if (this.#within && normalize.is(op)) {
      if (!normalize.attributesOf(op).center) this.#refuse(op, 'makes it, with a mean');
      return;
    }
    if (this.#through(op, axis)) return;
    if (isLinear(op) && this.#writes(op, axis)) return;
    if (attention.is(op) && this.#isLast(value, axis)) {
      this.join(op.operand(2), rankOf(op.operand(2)) - 1);
      return;
    }
    if (matmul.is(op) && this.#isLast(value, axis) && !constantOf(op.operands[1]) && !op.operands[2]) {
      if (!withoutClamp(op)) {
        this.#refuse(op, 'is clamped');
        return;
      }
      this.join(op.operand(1), rankOf(op.operand(1)) - 1);
      return;
    }
    this.#refuse(op, 'makes it');
  }

  /** Whether a layer's columns are the channels. */
  #writes(layer: Op, axis: number): boolean {
    if (this.#kind === 'linear' && !withoutClamp(layer)) return false;
    const outputs = conv.is(layer) ? 0 : 1;
    const isMatrix = isMatrixLayer(layer) && this.#isLast(layer.result, axis);
    if (!isMatrix && !(conv.is(layer) && axis === 1 && conv.attributesOf(layer).group === 1)) return false;
    this.writers.push({ op: layer, index: 1, axis: outputs });
    if (layer.operands[2]) this.writers.push({ op: layer, index: 2, axis: 0 });
    return true;
  }

  #read(op: Op, index: number, axis: number): void {
    const at = resultAxis(op, index, axis, this.block, this.#kind);
    if (this.#within && normalize.is(op) && at !== undefined) {
      if (normalize.attributesOf(op).center) this.norms.push(op);
      else this.#refuse(op, 'reads the mean too');
      return;
    }
    if (at !== undefined && this.#through(op, at)) return;
    const value = op.operand(index);
    if (!this.#within && isMatrixLayer(op) && index === 0 && this.#isLast(value, axis)) {
      this.readers.push({ op, index: 1, axis: 0 });
      return;
    }
    if (attention.is(op) && index < 3 && this.#isLast(value, axis)) {
      // softmax(q·Q·(k·Q)ᵀ)·(v·Q) == (softmax(q·kᵀ)·v)·Q
      for (const one of index === 2 ? [op.result] : [op.operand(0), op.operand(1)]) this.join(one, rankOf(one) - 1);
      return;
    }
    if (matmul.is(op) && this.#readsProduct(op, index, axis)) return;
    this.#refuse(op.definition.terminator ? undefined : op, op.definition.terminator ? 'it is a result' : 'reads it');
  }

  /** a·bᵀ of two values with the channels, or a·b where b has them as columns. */
  #readsProduct(op: Op, index: number, axis: number): boolean {
    if (constantOf(op.operand(0)) || constantOf(op.operand(1)) || op.operands[2]) return false;
    const [a, b] = [op.operand(0), op.operand(1)];
    const rows = rankOf(b) - 2;
    if (index === 1 && axis === rows + 1) {
      if (!withoutClamp(op)) return false;
      this.join(op.result, rankOf(op.result) - 1);
      return true;
    }
    if (index === 0 ? axis !== rankOf(a) - 1 : axis !== rows) return false;
    this.join(a, rankOf(a) - 1);
    this.join(b, rows);
    return true;
  }

  /** An op that commutes with the map: its operands and result all have the channels. */
  #through(op: Op, axis: number): boolean {
    const axes = operandAxes(op, axis, this.block, this.#kind);
    if (!axes) return false;
    this.join(op.result, axis);
    if (this.#seen.has(op)) return true;
    this.#seen.add(op);
    if (normalize.is(op)) this.norms.push(op);
    axes.forEach((at, index) => {
      if (at === undefined) return;
      const operand = op.operand(index);
      if (!constantOf(operand)) this.join(operand, at);
      else if (floatConstantOf(operand)) this.writers.push({ op, index, axis: at });
      else this.#refuse(op, 'has a constant of codes');
    });
    return true;
  }

  #isLast(value: Value, axis: number): boolean {
    return axis === rankOf(value) - 1 && ((value.type as TensorType).shape[axis] as number) % this.block === 0;
  }
}

const rankOf = (value: Value): number => (value.type as TensorType).shape.length;
