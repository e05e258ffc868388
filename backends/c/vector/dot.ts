import type { IntrinsicName } from '../../../src/target/index.ts';
import type { Form } from './definition.ts';
import type { Shape } from './shape.ts';
import { registerOf } from './x86.ts';

/** How C spells a contraction's instruction for one register: `T` is the type of the sums. */
interface Spelling {
  /** Whether the activations are unsigned. */
  readonly unsigned: boolean;
  readonly forms: (weights: Shape, T: string) => readonly Form[];
}

/** Pairs as halves of 32-bit lanes, for machines that multiply these. */
const halves = (T: string): Form => ({
  when: 'QC_VECTORS',
  body: [
    `const ${T} a = (${T})w, b = (${T})x;`,
    `const ${T} even = ((a << 16) >> 16) * ((b << 16) >> 16);`,
    'return sum + (even + (a >> 16) * (b >> 16));',
  ],
});

const pairs: Spelling = {
  unsigned: false,
  forms(weights, T) {
    const register = registerOf(weights);
    if (!register) return [];
    const { prefix: p, integers: I } = register;
    // compilers take the lanes apart once for all products that read them
    const apart = (which: 1 | 2, of: string) => `vget_low_s16(vuzp${which}q_s16((int16x8_t)${of}, (int16x8_t)${of}))`;
    const neon = {
      when: 'QC_NEON',
      body: [
        `const int32x4_t even = vmlal_s16((int32x4_t)sum, ${apart(1, 'w')}, ${apart(1, 'x')});`,
        `return (${T})vmlal_s16(even, ${apart(2, 'w')}, ${apart(2, 'x')});`,
      ],
    };
    const x86 = {
      when: p === '_mm' ? 'QC_SSE2' : register.when,
      body: [`return (${T})${p}_add_epi32((${I})sum, ${p}_madd_epi16((${I})w, (${I})x));`],
    };
    const mve = {
      when: 'QC_MVE',
      body: [
        'const int32x4_t even = vmullbq_int_s16((int16x8_t)w, (int16x8_t)x);',
        'const int32x4_t odd = vmulltq_int_s16((int16x8_t)w, (int16x8_t)x);',
        `return (${T})vaddq_s32((int32x4_t)sum, vaddq_s32(even, odd));`,
      ],
    };
    const fused = { when: 'QC_AVX512', body: [`return (${T})${p}_dpwssd_epi32((${I})sum, (${I})w, (${I})x);`] };
    return p === '_mm' ? [fused, x86, neon, mve, halves(T)] : p === '_mm256' ? [fused, x86] : [fused];
  },
};

const unsignedQuads: Spelling = {
  unsigned: true,
  forms(weights, T) {
    const register = registerOf(weights);
    if (!register) return [];
    const { prefix: p, integers: I } = register;
    return [{ when: 'QC_AVX512', body: [`return (${T})${p}_dpbusd_epi32((${I})sum, (${I})x, (${I})w);`] }];
  },
};

const signedQuads: Spelling = {
  unsigned: false,
  forms: ({ lanes }, T) =>
    lanes === 16
      ? [{ when: 'QC_DOTPROD', body: [`return (${T})vdotq_s32((int32x4_t)sum, (int8x16_t)w, (int8x16_t)x);`] }]
      : [],
};

const products: Spelling = {
  unsigned: false,
  forms: ({ lanes }, T) =>
    lanes === 16
      ? [{ when: 'QC_I8MM', body: [`return (${T})vmmlaq_s32((int32x4_t)sum, (int8x16_t)x, (int8x16_t)w);`] }]
      : [],
};

/** Instructions of vectors; the others are not asked for here. */
export const spellings: Partial<Record<IntrinsicName, Spelling>> = {
  dot_i16x8: pairs,
  dot_i16x16: pairs,
  dot_i16x32: pairs,
  dot_i8x16: signedQuads,
  mmla_i8x16: products,
  dot_u8x64: unsignedQuads,
};
