import type { LanewiseName } from '../../../dialects/kernel/index.ts';
import { bitsOf } from '../../../src/ir/index.ts';
import type { CSupport } from '../language.ts';
import { type Form, gnu, numbers } from './definition.ts';
import { bytesOfShape, isReal, isSigned, maskShape, type Shape, typeName, unsignedShape } from './shape.ts';
import { registerOf, suffixOf } from './x86.ts';

/** An operation on vectors of one piece each: shapes of the first operand and of the result, attributes. */
export interface Operation {
  readonly support: CSupport;
  readonly from: Shape;
  readonly to: Shape;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The first lane of the operand that is wanted. */
  readonly offset: number;
}

type Forms = (operation: Operation) => readonly Form[];

const types = ({ support, from, to }: Operation) => ({
  T: typeName(support, to),
  U: typeName(support, unsignedShape(to)),
  M: typeName(support, maskShape(from)),
});

/** Floats take the operator as it is; integers wrap, as unsigned ones do. */
const arithmetic =
  (operator: string): Forms =>
  (operation) => {
    const { T, U } = types(operation);
    return [gnu(isReal(operation.to) ? `a ${operator} b` : `(${T})((${U})a ${operator} (${U})b)`)];
  };

const bitwise =
  (operator: string): Forms =>
  () => [gnu(`a ${operator} b`)];

/** `b OP a ? b : a`, so that a NaN in a stays. */
const extreme =
  (name: 'min' | 'max', operator: string): Forms =>
  (operation) => {
    const { T, M } = types(operation);
    const { from } = operation;
    const register = registerOf(from);
    const known = register && (from.element === 'f32' || Number(from.element.slice(1)) <= 32);
    const cast = from.element === 'f32' ? register?.floats : register?.integers;
    const operands = from.element === 'f32' ? `(${cast})b, (${cast})a` : `(${cast})a, (${cast})b`;
    return [
      ...(known
        ? [{ when: register.when, body: [`return (${T})${register.prefix}_${name}_${suffixOf(from)}(${operands});`] }]
        : []),
      {
        when: 'QC_VECTORS',
        body: [`const ${M} m = (${M})(b ${operator} a);`, `return (${T})((m & (${M})b) | (~m & (${M})a));`],
      },
    ];
  };

const absolute: Forms = (operation) => {
  const { T, U, M } = types(operation);
  if (operation.to.element === 'f32') return [gnu(`(${T})((${U})a & 0x7fffffffu)`)];
  if (isReal(operation.to)) return [];
  if (!isSigned(operation.to)) return [gnu('a')];
  return [{ when: 'QC_VECTORS', body: [`const ${U} m = (${U})(${M})(a < 0);`, `return (${T})(((${U})a ^ m) - m);`] }];
};

const predicates: Record<string, string> = { eq: '==', ne: '!=', lt: '<', le: '<=', gt: '>', ge: '>=' };

/** Rounding to whole floats: the number that x86 gives the direction, and NEON's letter. */
const rounding =
  (x86: number, neon: string): Forms =>
  ({ support, from }) => {
    const register = registerOf(from);
    if (!register || from.element !== 'f32') return [];
    const T = typeName(support, from);
    const call = register.prefix === '_mm512' ? 'roundscale' : 'round';
    const forms = [
      { when: register.when, body: [`return (${T})${register.prefix}_${call}_ps((${register.floats})a, ${8 + x86});`] },
    ];
    return from.lanes === 4
      ? [...forms, { when: 'QC_NEON', body: [`return (${T})vrnd${neon}q_f32((float32x4_t)a);`] }]
      : forms;
  };

const squareRoot: Forms = ({ support, from }) => {
  const register = registerOf(from);
  if (!register || from.element !== 'f32') return [];
  const T = typeName(support, from);
  const forms = [{ when: register.when, body: [`return (${T})${register.prefix}_sqrt_ps((${register.floats})a);`] }];
  return from.lanes === 4 ? [...forms, { when: 'QC_NEON', body: [`return (${T})vsqrtq_f32((float32x4_t)a);`] }] : forms;
};

const multiplyAdd: Forms = ({ support, from }) => {
  const T = typeName(support, from);
  const register = from.element === 'f32' ? registerOf(from) : undefined;
  if (!register) return [gnu('a * b + c')];
  const x86 = {
    when: register.prefix === '_mm' ? 'QC_AVX2' : register.when,
    body: [
      `return (${T})${register.prefix}_fmadd_ps((${register.floats})a, (${register.floats})b, (${register.floats})c);`,
    ],
  };
  const neon = {
    when: 'QC_NEON',
    body: [`return (${T})vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);`],
  };
  return [x86, ...(from.lanes === 4 ? [neon] : []), gnu('a * b + c')];
};

/** Integers with twice or four times the bits on NEON, where GCC would widen them one by one. */
function widened({ support, from, to, offset }: Operation): Form[] {
  const times = bitsOf(to.element) / bitsOf(from.element);
  if (isReal(from) || isReal(to) || bytesOfShape(to) !== 16 || (times !== 2 && times !== 4)) return [];
  const sign = isSigned(from) ? '' : 'u';
  const type = (bits: number, bytes: number) => `${sign}int${bits}x${(bytes * 8) / bits}_t`;
  const letter = (bits: number) => `${sign || 's'}${bits}`;
  const half = (value: string, bits: number, isLow: boolean) =>
    `vget_${isLow ? 'low' : 'high'}_${letter(bits)}(${value})`;
  const bits = bitsOf(from.element);
  const bytes = bytesOfShape(from);
  const at = (offset * bits) / 8;
  if (bytes < 4 || bytes > 16) return [];
  const lines = bytes < 8 ? ['uint32_t word;', 'memcpy(&word, &a, sizeof word);'] : [];
  const loaded = `vreinterpret_${letter(bits)}_u32(vdup_n_u32(word))`;
  const eight = bytes < 8 ? loaded : bytes === 8 ? `(${type(bits, 8)})a` : half(`(${type(bits, 16)})a`, bits, at < 8);
  const wide = `vmovl_${letter(bits)}(${eight})`;
  const value = times === 2 ? wide : `vmovl_${letter(2 * bits)}(${half(wide, 2 * bits, at % 8 < 4)})`;
  return [{ when: 'QC_NEON', body: [...lines, `return (${typeName(support, to)})${value};`] }];
}

/** Integers widen or wrap, and become floats; floats become integers on x86 with what is too large mended. */
const convert: Forms = (operation) => {
  const { support, from, to, offset } = operation;
  const T = typeName(support, to);
  const part = from.lanes === to.lanes ? 'a' : `__builtin_shufflevector(a, a, ${numbers(to.lanes, (i) => offset + i)})`;
  const convertVector = `__builtin_convertvector(${part}, ${T})`;
  if (from.element === 'i8' && from.lanes === 8 && to.element === 'i16' && to.lanes === 8) {
    // without pmovsxbw: each byte beside itself, and half of the pair cut off
    const pairs = {
      when: 'QC_SSE2',
      body: [
        'const __m128i x = _mm_loadl_epi64((const __m128i *)(const void *)&a);',
        `return (${T})_mm_srai_epi16(_mm_unpacklo_epi8(x, x), 8);`,
      ],
    };
    return [{ when: 'QC_SSE41', body: [`return ${convertVector};`] }, pairs, ...widened(operation), gnu(convertVector)];
  }
  if (!isReal(from) || isReal(to)) return [...widened(operation), gnu(convertVector)];
  if (from.element !== 'f32' || to.element !== 'i32' || from.lanes !== to.lanes) return [];
  const x86 = {
    when: 'QC_SSE2',
    body: [
      '/* cvttps2dq gives 0x80000000 for all that does not fit */',
      `const ${T} r = __builtin_convertvector(a, ${T});`,
      `return (r ^ (${T})(a >= 2147483648.0f)) & (${T})(a == a);`,
    ],
  };
  const neon = { when: 'QC_NEON', body: [`return (${T})vcvtq_s32_f32((float32x4_t)a);`] };
  return to.lanes === 4 ? [x86, neon] : [x86];
};

/** Products of the even and of the odd lanes, of which the bits from `shift` on are the result's. */
const mulShift: Forms = ({ support, from, attributes }) => {
  const register = registerOf(from);
  if (!register) return [];
  const shift = attributes.shift as number;
  const T = typeName(support, from);
  const { prefix: p, integers: I } = register;
  const blends: Record<string, string> = {
    _mm: '_mm_or_si128(_mm_and_si128(even, _mm_set1_epi64x(0xffffffff)), _mm_andnot_si128(_mm_set1_epi64x(0xffffffff), odd))',
    _mm256: '_mm256_blend_epi32(even, odd, 0xaa)',
    _mm512: '_mm512_mask_mov_epi32(even, 0xaaaa, odd)',
  };
  const set = p === '_mm512' ? '_mm512_set1_epi64' : `${p}_set1_epi64x`;
  const order = p === '_mm512' ? '(_MM_PERM_ENUM)0xf5' : '0xf5';
  const select =
    shift <= 32
      ? [
          `even = ${p}_srli_epi64(even, ${shift});`,
          ...(shift < 32 ? [`odd = ${p}_slli_epi64(odd, ${32 - shift});`] : []),
        ]
      : [
          `even = ${p}_shuffle_epi32(${p}_srai_epi32(even, ${shift - 32}), ${order});`,
          `odd = ${p}_srai_epi32(odd, ${shift - 32});`,
        ];
  const product = p === '_mm' ? 'qc_products' : `${p}_mul_epi32`;
  const x86 = {
    when: p === '_mm' ? 'QC_SSE2' : register.when,
    body: [
      `const ${I} x = (${I})a, y = (${I})b;`,
      `const ${I} half = ${set}(INT64_C(1) << ${shift - 1});`,
      `${I} even = ${p}_add_epi64(${product}(x, y), half);`,
      `${I} odd = ${p}_add_epi64(${product}(${p}_srli_epi64(x, 32), ${p}_srli_epi64(y, 32)), half);`,
      ...select,
      `return (${T})${blends[p]};`,
    ],
  };
  const half = (which: string) =>
    `vmovn_s64(vrshrq_n_s64(vmull_s32(vget_${which}_s32((int32x4_t)a), vget_${which}_s32((int32x4_t)b)), ${shift}))`;
  const neon = { when: 'QC_NEON', body: [`return (${T})vcombine_s32(${half('low')}, ${half('high')});`] };
  return from.lanes === 4 ? [x86, neon] : [x86];
};

/** The faster definitions of each primitive on vectors whose lanes correspond one to one. */
export const vectorForms: Partial<Record<LanewiseName, Forms>> = {
  add: arithmetic('+'),
  sub: arithmetic('-'),
  mul: arithmetic('*'),
  div: () => [gnu('a / b')],
  min: extreme('min', '<'),
  max: extreme('max', '>'),
  and: bitwise('&'),
  or: bitwise('|'),
  xor: bitwise('^'),
  neg: (operation) => [gnu(isReal(operation.to) ? '-a' : `(${types(operation).T})-(${types(operation).U})a`)],
  abs: absolute,
  sqrt: squareRoot,
  floor: rounding(1, 'm'),
  ceil: rounding(2, 'p'),
  round_even: rounding(0, 'n'),
  shl: (operation) => [gnu(`(${types(operation).T})((${types(operation).U})a << ${operation.attributes.count})`)],
  shr: ({ attributes }) => [gnu(`a >> ${attributes.count}`)],
  cmp: (operation) => [gnu(`(${types(operation).M})(a ${predicates[operation.attributes.predicate as string]} b)`)],
  select: (operation) => {
    const { T, M } = types(operation);
    return [gnu(`(${T})((a & (${M})b) | (~a & (${M})c))`)];
  },
  convert,
  bitcast: (operation) => [gnu(`(${types(operation).T})a`)],
  mul_shift: mulShift,
  mul_add: multiplyAdd,
};
