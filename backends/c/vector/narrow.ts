import type { CSupport } from '../language.ts';
import type { Form } from './definition.ts';
import { bytesOfShape, type Shape, typeName } from './shape.ts';

/** The first bytes of a value, as many as the result has. */
const lowPart = (T: string, type: string, value: string): string[] => [
  `${T} r;`,
  `const ${type} low = ${value};`,
  'memcpy(&r, &low, sizeof r);',
  'return r;',
];

/** One or two registers of i32, of so many bytes each, as i16. */
function toHalves(T: string, bytes: number, parts: number): Form[] {
  const x = (name: string) => `(__m${8 * bytes}i)${name}`;
  const cut = (name: string) => `_mm512_cvtsepi32_epi16(${x(name)})`;
  const sides = '_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1)';
  const x86: Readonly<Record<string, Form>> = {
    '16 1': { when: 'QC_SSE2', body: lowPart(T, '__m128i', `_mm_packs_epi32(${x('a')}, ${x('a')})`) },
    '16 2': { when: 'QC_SSE2', body: [`return (${T})_mm_packs_epi32(${x('a')}, ${x('b')});`] },
    '32 1': { when: 'QC_AVX2', body: [`const __m256i x = ${x('a')};`, `return (${T})_mm_packs_epi32(${sides});`] },
    '32 2': {
      when: 'QC_AVX2',
      body: [`return (${T})_mm256_permute4x64_epi64(_mm256_packs_epi32(${x('a')}, ${x('b')}), 0xd8);`],
    },
    '64 1': { when: 'QC_AVX512', body: [`return (${T})${cut('a')};`] },
    '64 2': {
      when: 'QC_AVX512',
      body: [`return (${T})_mm512_inserti64x4(_mm512_castsi256_si512(${cut('a')}), ${cut('b')}, 1);`],
    },
  };
  const quarter = (name: string) => `vqmovn_s32((int32x4_t)${name})`;
  const neon: Readonly<Record<string, Form>> = {
    '16 1': { when: 'QC_NEON', body: [`return (${T})${quarter('a')};`] },
    '16 2': { when: 'QC_NEON', body: [`return (${T})vcombine_s16(${quarter('a')}, ${quarter('b')});`] },
  };
  const key = `${bytes} ${parts}`;
  return [x86[key], neon[key]].filter((form) => form !== undefined);
}

/** Narrowing with clamps: of `parts` vectors that become one. */
export function narrowForms(support: CSupport, from: Shape, to: Shape, parts: number): readonly Form[] {
  if (from.element === 'i32' && to.element === 'i16') return toHalves(typeName(support, to), bytesOfShape(from), parts);
  const T = typeName(support, to);
  const key = `${from.element} ${parts * from.lanes} ${to.element}`;
  const last = to.element.startsWith('u') ? 'packus' : 'packs';
  const low = (value: string) => lowPart(T, '__m128i', value);
  const v = (name: string) => `(__m128i)${name}`;
  if (bytesOfShape(from) === 16 && from.element === 'i32' && /8$/.test(to.element)) {
    const packed = {
      1: `_mm_${last}_epi16(_mm_packs_epi32(${v('a')}, ${v('a')}), _mm_setzero_si128())`,
      2: `_mm_${last}_epi16(_mm_packs_epi32(${v('a')}, ${v('b')}), _mm_setzero_si128())`,
      4: `_mm_${last}_epi16(_mm_packs_epi32(${v('a')}, ${v('b')}), _mm_packs_epi32(${v('c')}, ${v('d')}))`,
    }[parts];
    const x86 = packed && { when: 'QC_SSE2', body: parts === 4 ? [`return (${T})${packed};`] : low(packed) };
    const half = (x: string, y: string) => `vcombine_s16(vqmovn_s32((int32x4_t)${x}), vqmovn_s32((int32x4_t)${y}))`;
    const narrow = to.element === 'u8' ? 'vqmovun_s16' : 'vqmovn_s16';
    const kind = to.element === 'u8' ? 'u8' : 's8';
    const word = `vreinterpret_u32_${kind}(${narrow}(${half('a', 'a')}))`;
    const neon = {
      1: lowPart(T, 'uint32_t', `vget_lane_u32(${word}, 0)`),
      2: [`return (${T})${narrow}(${half('a', 'b')});`],
      4: [`return (${T})vcombine_${kind}(${narrow}(${half('a', 'b')}), ${narrow}(${half('c', 'd')}));`],
    }[parts];
    return [...(x86 ? [x86] : []), ...(neon ? [{ when: 'QC_NEON', body: neon }] : [])];
  }
  if (key.startsWith('i32 8 ') && bytesOfShape(from) === 32 && /8$/.test(to.element)) {
    const halves = `_mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1))`;
    return [
      {
        when: 'QC_AVX2',
        body: ['const __m256i x = (__m256i)a;', ...low(`_mm_${last}_epi16(${halves}, _mm_setzero_si128())`)],
      },
    ];
  }
  if (key.startsWith('i32 16 ') && bytesOfShape(from) === 32 && /8$/.test(to.element)) {
    const halves = (x: string) =>
      `_mm_packs_epi32(_mm256_castsi256_si128((__m256i)${x}), _mm256_extracti128_si256((__m256i)${x}, 1))`;
    return [{ when: 'QC_AVX2', body: [`return (${T})_mm_${last}_epi16(${halves('a')}, ${halves('b')});`] }];
  }
  if (bytesOfShape(from) === 64 && from.element === 'i32' && parts === 1 && to.element === 'i8') {
    return [{ when: 'QC_AVX512', body: [`return (${T})_mm512_cvtsepi32_epi8((__m512i)a);`] }];
  }
  if (from.element === 'i16' && /8$/.test(to.element) && bytesOfShape(from) === 16 && parts === 2) {
    return [{ when: 'QC_SSE2', body: [`return (${T})_mm_${last}_epi16(${v('a')}, ${v('b')});`] }];
  }
  return [];
}
