import { constantOf, lanewisePrimitives } from '../../dialects/kernel/index.ts';
import type { Value } from '../../src/ir/index.ts';
import { scaledIndex } from './addresses.ts';
import type { Expression, KernelContext, Register } from './values.ts';

/**
 * A loop without others inside it. What its addresses gain in a turn is added at the turn's end, which is less than
 * working them out anew from its counter: engines don't reduce the products by themselves.
 */
export class InnermostLoop {
  readonly #c: KernelContext;
  readonly #counter: Value;
  readonly #lower: Value;
  readonly #step: number;
  /** Blocks around the loop's body. */
  readonly #depth: number;
  readonly #pointers = new Map<string, Pointer>();

  constructor(c: KernelContext, counter: Value, lower: Value, step: number) {
    this.#c = c;
    this.#counter = counter;
    this.#lower = lower;
    this.#step = step;
    this.#depth = c.depth + 1;
  }

  /**
   * start + width · index, where the index is worked out in this loop as a multiple of the counter and terms from
   * outside of it; undefined for any other.
   */
  pointer(buffer: Value, index: Value, width: number): Register | undefined {
    const found = index === this.#counter ? undefined : this.#progression(index);
    if (!found || found.factor === 0) return undefined;
    const { terms, factor } = found;
    const c = this.#c;
    const { m, b } = c;
    const { register: base, identity } = c.hoisted(
      `pointer ${width} ${factor}`,
      [buffer, this.#lower, ...terms],
      () => {
        const first = m.i32.mul(c.scalar(this.#lower)(), m.i32.const(factor));
        const index = terms.reduce((sum, term) => m.i32.add(sum, c.scalar(term)()), first);
        return m.i32.add(c.scalar(buffer)(), scaledIndex(c, index, width));
      },
    );
    const known = this.#pointers.get(identity) ?? { local: c.local(b.i32), base, advance: factor * width * this.#step };
    this.#pointers.set(identity, known);
    return () => m.local.get(known.local, b.i32);
  }

  /** Sets every pointer to where the first turn finds it. */
  starts(): Expression[] {
    return [...this.#pointers.values()].map(({ local, base }) => this.#c.m.local.set(local, base()));
  }

  /** Moves every pointer on to where the next turn finds it. */
  advances(): Expression[] {
    const { m, b } = this.#c;
    return [...this.#pointers.values()].map(({ local, advance }) =>
      m.local.set(local, m.i32.add(m.local.get(local, b.i32), m.i32.const(advance))),
    );
  }

  /** An index as a sum of terms from outside of the loop and a multiple of its counter. */
  #progression(index: Value): Progression | undefined {
    if (index === this.#counter) return { terms: [], factor: 1 };
    if (this.#c.depthOf(index) < this.#depth) return { terms: [index], factor: 0 };
    const { op } = index;
    if (!op) return undefined;
    const [a, b] = op.operands as [Value, Value];
    if (op.definition === lanewisePrimitives.add.definition) {
      const [left, right] = [this.#progression(a), this.#progression(b)];
      return left && right && { terms: [...left.terms, ...right.terms], factor: left.factor + right.factor };
    }
    if (op.definition !== lanewisePrimitives.mul.definition) return undefined;
    const [whole, by] = constantOf(a) === undefined ? [a, constantOf(b)] : [b, constantOf(a)];
    const found = by === undefined ? undefined : this.#progression(whole);
    return found?.terms.length === 0 && by !== undefined ? { terms: [], factor: found.factor * by } : undefined;
  }
}

interface Progression {
  readonly terms: readonly Value[];
  readonly factor: number;
}

interface Pointer {
  readonly local: number;
  /** Where the first turn finds it. */
  readonly base: Register;
  /** Bytes that a turn adds. */
  readonly advance: number;
}
