import type { LanewiseName } from '../../../dialects/kernel/index.ts';
import { type Intrinsic, type IntrinsicName, intrinsics } from '../../../src/target/index.ts';
import { primary } from '../../clike/expression.ts';
import { lanewisePrinters } from '../../clike/lanewise.ts';
import { type CSupport, cLanguage } from '../language.ts';
import { cStorageType, cType } from '../types.ts';
import { type Form, gnu, laneByLane, numbers, vectorHelper } from './definition.ts';
import { spellings } from './dot.ts';
import { vectorForms } from './lanewise.ts';
import { narrowForms } from './narrow.ts';
import { bytesOfShape, type Shape, typeName, unsignedShape } from './shape.ts';

const letters = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const plain = ({ element, lanes }: Shape) => `${element}x${lanes}`;
const at = (offset: number) => (offset === 0 ? '' : `_at${offset}`);

/** One argument of a lanewise operation. */
export interface LanewiseArgument {
  readonly shape: Shape;
  readonly isMask: boolean;
  /** The pieces that hold its lanes: several smaller ones, or one with the first lane that is wanted. */
  readonly parts: number;
  readonly offset: number;
}

/** Helpers on vectors, by what they do: each notes what it needs in `support` and gives its name. */
export class VectorOperations {
  readonly support: CSupport;

  constructor(support: CSupport) {
    this.support = support;
  }

  type(shape: Shape): string {
    return typeName(this.support, shape);
  }

  /** Defines a helper; `shapes`: all vectors in its signature. */
  #define(
    name: string,
    signature: { readonly result: string; readonly parameters: string },
    shapes: readonly Shape[],
    forms: readonly Form[],
    body: readonly string[],
  ): string {
    const widest = Math.max(...shapes.map(bytesOfShape));
    this.support.require(vectorHelper(name, { ...signature, widest }, forms, body, this.support.machine));
    return name;
  }

  /** A primitive on each lane. `to.element` is that of a mask's lanes where the result is one. */
  lanewise(
    name: LanewiseName,
    args: readonly LanewiseArgument[],
    to: Shape,
    makesMask: boolean,
    attributes: Readonly<Record<string, unknown>>,
  ): string {
    const first = args[name === 'select' ? 1 : 0] as LanewiseArgument;
    const from = first.shape;
    const { parts, offset } = first;
    const language = cLanguage(this.support);
    const texts = args.map((arg, i) => {
      const lane = `QC_LANE(${letters[i]}, i${arg.offset > 0 ? ` + ${arg.offset}` : ''})`;
      return primary(name === 'select' && i === 0 ? `(${lane} != 0)` : lane);
    });
    const lane = lanewisePrinters[name](language, { args: texts, from: from.element, to: to.element, attributes });
    const counts = name === 'convert' && first.isMask;
    const ofMask = counts ? `QC_LANE(a, i + ${offset}) != 0` : lane.text;
    const value = makesMask && name === 'cmp' ? `(${lane.text}) ? -1 : 0` : ofMask;
    const T = this.type(to);
    const types = args.map((arg) => this.type(arg.shape));
    const baked = Object.values(attributes)
      .map((v) => `_${v}`)
      .join('');
    const change = from.element === to.element && from.lanes === to.lanes ? '' : `_to_${plain(to)}`;
    const full = `qc_${name}${baked}_${counts ? 'mask_' : ''}${plain(from)}${parts > 1 ? `_${parts}` : ''}${change}${at(offset)}`;
    if (parts > 1) {
      const parameters = letters
        .slice(0, parts)
        .map((letter) => `${types[0]} ${letter}`)
        .join(', ');
      const body = [`${T} r;`];
      for (let p = 0; p < parts; p++) {
        const one = lanewisePrinters[name](language, {
          ...{ args: [primary(`QC_LANE(${letters[p]}, i)`)], from: from.element, to: to.element, attributes },
        });
        body.push(`for (int i = 0; i < ${from.lanes}; i++) {`);
        body.push(`  QC_LANE(r, ${p > 0 ? `${p * from.lanes} + ` : ''}i) = ${one.text};`, '}');
      }
      const forms = name === 'narrow_saturate' ? narrowForms(this.support, from, to, parts) : [];
      return this.#define(full, { result: T, parameters }, [from, to], forms, [...body, 'return r;']);
    }
    const parameters = types.map((type, i) => `${type} ${letters[i]}`).join(', ');
    const aligned = offset === 0 && from.lanes === to.lanes;
    const forms =
      name === 'narrow_saturate'
        ? aligned
          ? narrowForms(this.support, from, to, 1)
          : []
        : (aligned || name === 'convert') && !counts
          ? (vectorForms[name]?.({ support: this.support, from, to, attributes, offset }) ?? [])
          : [];
    return this.#define(
      full,
      { result: T, parameters },
      [to, ...args.map(({ shape }) => shape)],
      forms,
      laneByLane(T, to.lanes, value),
    );
  }

  splat(to: Shape): string {
    const T = this.type(to);
    return this.#define(
      `qc_splat_${plain(to)}`,
      { result: T, parameters: `${cType(to.element)} a` },
      [to],
      [gnu(`(${T}){${numbers(to.lanes, () => 0).replaceAll('0', 'a')}}`)],
      laneByLane(T, to.lanes, 'a'),
    );
  }

  load(to: Shape): string {
    const T = this.type(to);
    return this.#define(
      `qc_load_${plain(to)}`,
      { result: T, parameters: `const ${cStorageType(to.element)} *p` },
      [to],
      [],
      [`${T} r;`, 'memcpy(&r, p, sizeof r);', 'return r;'],
    );
  }

  /** `group` elements, again and again. */
  loadSplat(to: Shape, group: number): string {
    const T = this.type(to);
    const bytes = (bytesOfShape(to) / to.lanes) * group;
    const word = { 1: 'u8', 2: 'u16', 4: 'u32', 8: 'u64' }[bytes] as Shape['element'] | undefined;
    const words: Shape | undefined = word && { element: word, lanes: to.lanes / group };
    const forms =
      words && Number.isInteger(words.lanes) && words.lanes > 1
        ? [
            {
              when: 'QC_VECTORS',
              body: [
                `${cType(words.element)} a;`,
                'memcpy(&a, p, sizeof a);',
                `return (${T})(${this.type(words)}){${numbers(words.lanes, () => 0).replaceAll('0', 'a')}};`,
              ],
            },
          ]
        : [];
    return this.#define(
      `qc_load_splat${group}_${plain(to)}`,
      { result: T, parameters: `const ${cStorageType(to.element)} *p` },
      [to],
      [
        ...(bytes === 16 && bytesOfShape(to) === 32
          ? [
              {
                when: 'QC_AVX2',
                body: [`return (${T})_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)p));`],
              },
            ]
          : []),
        ...forms,
      ],
      laneByLane(T, to.lanes, `p[i % ${group}]`),
    );
  }

  store(from: Shape, lanes: number): string {
    const bytes = (bytesOfShape(from) / from.lanes) * lanes;
    return this.#define(
      `qc_store${lanes === from.lanes ? '' : lanes}_${plain(from)}`,
      { result: 'void', parameters: `${cStorageType(from.element)} *p, ${this.type(from)} a` },
      [from],
      [],
      [`memcpy(p, &a, ${bytes});`],
    );
  }

  table(index: Shape, to: Shape, offset: number): string {
    const T = this.type(to);
    const lane = `QC_LANE(a, i${offset > 0 ? ` + ${offset}` : ''})`;
    return this.#define(
      `qc_table_${plain(index)}_to_${plain(to)}${at(offset)}`,
      { result: T, parameters: `const ${cStorageType(to.element)} *p, ${this.type(index)} a` },
      [index, to],
      [],
      laneByLane(T, to.lanes, `p[(uint8_t)${lane}]`),
    );
  }

  /** Lanes from `offset` on. */
  part(from: Shape, to: Shape, offset: number): string {
    const T = this.type(to);
    return this.#define(
      `qc_part_${plain(from)}_to_${plain(to)}${at(offset)}`,
      { result: T, parameters: `${this.type(from)} a` },
      [from, to],
      [gnu(`__builtin_shufflevector(a, a, ${numbers(to.lanes, (i) => offset + i)})`)],
      laneByLane(T, to.lanes, `QC_LANE(a, ${offset} + i)`),
    );
  }

  /** Two vectors as one. */
  join(from: Shape): string {
    const to = { ...from, lanes: 2 * from.lanes };
    const T = this.type(to);
    const two = ['a', 'b'].map((letter) => `${this.type(from)} ${letter}`).join(', ');
    return this.#define(
      `qc_join_${plain(from)}`,
      { result: T, parameters: two },
      [from, to],
      [gnu(`__builtin_shufflevector(a, b, ${numbers(to.lanes, (i) => i)})`)],
      laneByLane(T, to.lanes, `i < ${from.lanes} ? QC_LANE(a, i) : QC_LANE(b, i - ${from.lanes})`),
    );
  }

  /** a0 b0 a1 b1 …, or groups of so many lanes by turns, from lane `offset` of the operands on. */
  interleave(from: Shape, to: Shape, offset: number, group: number): string {
    const T = this.type(to);
    const two = ['a', 'b'].map((letter) => `${this.type(from)} ${letter}`).join(', ');
    const turn = (i: number) => Math.floor(i / group);
    const index = (i: number) => offset + (turn(i) >> 1) * group + (i % group) + (turn(i) % 2) * from.lanes;
    const [isFirst, lane] =
      group === 1
        ? ['i % 2 == 0', `${offset} + i / 2`]
        : [`i / ${group} % 2 == 0`, `${offset} + i / ${2 * group} * ${group} + i % ${group}`];
    return this.#define(
      `qc_interleave${group > 1 ? group : ''}_${plain(from)}_to_${plain(to)}${at(offset)}`,
      { result: T, parameters: two },
      [from, to],
      [gnu(`__builtin_shufflevector(a, b, ${numbers(to.lanes, index)})`)],
      laneByLane(T, to.lanes, `${isFirst} ? QC_LANE(a, ${lane}) : QC_LANE(b, ${lane})`),
    );
  }

  /** Entries of tables of 16 bytes. */
  swizzle(index: Shape, to: Shape): string {
    const [T, I] = [this.type(to), this.type(index)];
    return this.#define(
      `qc_swizzle_${plain(to)}_${plain(index)}`,
      { result: T, parameters: `${T} a, ${I} b` },
      [to, index],
      [
        ...(to.lanes === 32
          ? [{ when: 'QC_AVX2', body: [`return (${T})_mm256_shuffle_epi8((__m256i)a, (__m256i)b);`] }]
          : []),
        ...(to.lanes === 16
          ? [
              { when: 'QC_SSE41', body: [`return (${T})_mm_shuffle_epi8((__m128i)a, (__m128i)b);`] },
              { when: 'QC_NEON', body: [`return (${T})vqtbl1q_u8((uint8x16_t)a, (uint8x16_t)b);`] },
            ]
          : []),
      ],
      laneByLane(T, to.lanes, 'QC_LANE(a, (i & ~15) + (QC_LANE(b, i) & 15))'),
    );
  }

  /** Sums of neighbours of a, then of b. */
  addPairs(shape: Shape): string {
    const T = this.type(shape);
    const half = shape.lanes / 2;
    const sum = this.lanewise(
      'add',
      [0, 1].map(() => whole(shape)),
      shape,
      false,
      {},
    );
    const shuffled = (odd: number) => `__builtin_shufflevector(a, b, ${numbers(shape.lanes, (i) => 2 * i + odd)})`;
    const add = lanewisePrinters.add(cLanguage(this.support), {
      args: [0, 1].map((odd) =>
        primary(`(i < ${half} ? QC_LANE(a, 2 * i + ${odd}) : QC_LANE(b, 2 * i + ${odd} - ${shape.lanes}))`),
      ),
      ...{ from: shape.element, to: shape.element, attributes: {} },
    });
    return this.#define(
      `qc_add_pairs_${plain(shape)}`,
      { result: T, parameters: `${T} a, ${T} b` },
      [shape],
      [gnu(`${sum}(${shuffled(0)}, ${shuffled(1)})`)],
      laneByLane(T, shape.lanes, add.text),
    );
  }

  /** All lanes joined: each with the one half the lanes further on, then the halves. */
  reduce(shape: Shape, op: 'add' | 'min' | 'max'): string {
    const T = this.type(shape);
    const joined = lanewisePrinters[op](cLanguage(this.support), {
      args: ['QC_LANE(a, i)', 'QC_LANE(a, i + n)'].map((text) => primary(text)),
      ...{ from: shape.element, to: shape.element, attributes: {} },
    });
    return this.#define(
      `qc_reduce_${op}_${plain(shape)}`,
      { result: cType(shape.element), parameters: `${T} a` },
      [shape],
      [],
      [
        `for (int n = ${shape.lanes / 2}; n > 0; n /= 2) {`,
        '  for (int i = 0; i < n; i++) {',
        `    QC_LANE(a, i) = ${joined.text};`,
        '  }',
        '}',
        'return QC_LANE(a, 0);',
      ],
    );
  }

  /**
   * sum + weights · activations by an instruction, which a register of any width has; `flipped`: the activations' sign
   * bits are turned.
   */
  dot(name: string, weights: Shape, activations: Shape, sums: Shape, flipped: boolean): string {
    const { depth, columns, rows }: Intrinsic = intrinsics[name as IntrinsicName];
    const spelling = spellings[name as IntrinsicName];
    const unsigned = spelling?.unsigned === true && flipped;
    const forms = spelling && spelling.unsigned === unsigned ? spelling.forms : () => [];
    const isScalar = sums.lanes === 1;
    const T = isScalar ? cType(sums.element) : this.type(sums);
    const [W, X] = [weights, activations].map((shape) => this.type(shape));
    const U = cType(unsignedShape(weights).element);
    const at = (i: number, lane = 'i') => (isScalar ? `${i}` : `${depth} * ${lane} + ${i}`);
    // of several rows, lanes are those of a matrix of rows and columns
    const [ofW, ofX] = rows ? [`(i % ${columns})`, `(i / ${columns})`] : ['i', 'i'];
    const term = (i: number) =>
      `(uint32_t)((int32_t)QC_LANE(w, ${at(i, ofW)}) * (int32_t)${unsigned ? `(${U})` : ''}QC_LANE(x, ${at(i, ofX)}))`;
    const total = Array.from({ length: depth }, (_, i) => term(i)).join(' + ');
    const mixed = weights.element === activations.element ? '' : `_${activations.element}`;
    return this.#define(
      `qc_${rows ? 'mmla' : 'dot'}${unsigned ? '_unsigned' : ''}_${plain(weights)}${mixed}`,
      { result: T, parameters: `${T} sum, ${W} w, ${X} x` },
      [sums, weights, activations],
      isScalar ? [] : forms(weights, T),
      isScalar
        ? [`return (int32_t)((uint32_t)sum + ${total});`]
        : laneByLane(T, sums.lanes, `(int32_t)((uint32_t)QC_LANE(sum, i) + ${total})`),
    );
  }
}

/** An argument that is one piece, from its first lane on. */
export const whole = (shape: Shape): LanewiseArgument => ({ shape, isMask: false, parts: 1, offset: 0 });
