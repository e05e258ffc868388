import { type Op, Rewriter, type Value } from '../../../src/ir/index.ts';
import type { HostTensor } from '../../../src/support/tensor.ts';
import { constantName, createFloats, floatConstantOf } from '../../constants.ts';
import type { ConstantUse } from '../structure/rotatedChannels.ts';
import { type ChannelMatrix, mapAxis } from './orthogonal.ts';

/** A constant operand that is being changed, in f64. */
interface Edited {
  readonly op: Op;
  readonly index: number;
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Constant operands as a transform will leave them; nothing is written before `commit`, which rounds once. */
export class ConstantEdits {
  readonly #edited = new Map<Op, Map<number, Edited>>();

  /** The numbers of an operand as they are now. */
  numbers(op: Op, index: number): HostTensor & { readonly data: Float64Array } {
    const { shape, data } = this.#edited.get(op)?.get(index) ?? read(op, index);
    return { dtype: 'f64', shape, data };
  }

  /** Whether an operand is there, or will be. */
  has(op: Op, index: number): boolean {
    return op.operands[index] !== undefined || this.#edited.get(op)?.has(index) === true;
  }

  /** Changes an operand [N]; of one that is absent, zeros. */
  change(op: Op, index: number, length: number, to: (x: number, i: number) => number): void {
    const edited = op.operands[index] ? this.#edit(op, index) : this.#create(op, index, length);
    edited.data.forEach((x, i) => {
      edited.data[i] = to(x, i);
    });
  }

  /** Sends the channels of constants through a map. */
  apply(uses: Iterable<ConstantUse>, map: ChannelMatrix): void {
    for (const { op, index, axis } of uses) {
      const edited = this.#edit(op, index);
      mapAxis(edited.data, edited.shape, axis, map);
    }
  }

  #edit(op: Op, index: number): Edited {
    return this.#known(op, index, () => read(op, index));
  }

  #create(op: Op, index: number, length: number): Edited {
    return this.#known(op, index, () => ({ op, index, shape: [length], data: new Float64Array(length) }));
  }

  #known(op: Op, index: number, first: () => Edited): Edited {
    const ofOp = this.#edited.get(op) ?? new Map<number, Edited>();
    this.#edited.set(op, ofOp);
    const edited = ofOp.get(index) ?? first();
    ofOp.set(index, edited);
    return edited;
  }

  /** Makes the new constants. @returns what each was before it was rounded to f32 */
  commit(): ReadonlyMap<Value, HostTensor> {
    const exact = new Map<Value, HostTensor>();
    const rewriter = new Rewriter();
    for (const edits of this.#edited.values()) {
      for (const { op, index, shape, data } of edits.values()) {
        rewriter.before(op);
        const old = op.operands[index];
        const name = old ? constantName(old, op.source) : `${constantName(op.operand(1), op.source)}.bias`;
        const value = createFloats(rewriter, name, shape, data);
        rewriter.setOperand(op, index, value);
        exact.set(value, { dtype: 'f64', shape, data });
      }
    }
    return exact;
  }
}

function read(op: Op, index: number): Edited {
  const { shape, data } = floatConstantOf(op.operand(index)) as HostTensor;
  return { op, index, shape, data: Float64Array.from(data as Float32Array) };
}
