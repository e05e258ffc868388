import type { Feature } from '../../../src/target/index.ts';
import { guarded, type Machine } from '../guard.ts';

/** A version of a kernel in a file: the macro that chooses it, and how it is printed. */
export interface Level {
  readonly feature: Feature | undefined;
  /** Holds where the machine has the feature. The baseline's always does. */
  readonly when: string;
  /** Bytes of a vector variable. */
  readonly bytes: number;
  /** What the program knows about the machine at this level: whether dot products take activations without sign. */
  readonly signMask: number;
}

/** The best first. */
export const levels: readonly Level[] = [
  { feature: 'avx512-vnni', when: 'QC_AVX512', bytes: 64, signMask: 0x80808080 | 0 },
  { feature: 'avx2', when: 'QC_AVX2', bytes: 32, signMask: 0 },
  { feature: 'i8mm', when: 'QC_I8MM', bytes: 16, signMask: 0 },
  { feature: 'dotprod', when: 'QC_DOTPROD', bytes: 16, signMask: 0 },
  { feature: 'arm-dsp', when: 'QC_ARM_DSP', bytes: 16, signMask: 0 },
];

export const baseline: Level = { feature: undefined, when: '1', bytes: 16, signMask: 0 };

/** Products in 64 bits of the even lanes. */
export const productsText = (machine?: Machine): string =>
  guarded(machine, 'QC_SSE2', [
    'QC_INLINE __m128i qc_products(__m128i a, __m128i b)',
    '{',
    ...guarded(
      machine,
      'QC_SSE41',
      ['  return _mm_mul_epi32(a, b);'],
      [
        '  const __m128i sign = _mm_add_epi32(_mm_and_si128(_mm_srai_epi32(a, 31), b), _mm_and_si128(_mm_srai_epi32(b, 31), a));',
        '  return _mm_sub_epi64(_mm_mul_epu32(a, b), _mm_slli_epi64(sign, 32));',
      ],
    ),
    '}',
    '',
  ]).join('\n');

/** What the file finds out about its compiler and machine. */
export const levelsText = `/* Vectors, where the compiler has them: define QC_PLAIN for C without. */
#if (defined(__clang__) || (defined(__GNUC__) && __GNUC__ >= 12)) && !defined(QC_PLAIN) && \\
    (defined(__SSE2__) || defined(__aarch64__) || defined(__ARM_FEATURE_MVE) || defined(__riscv_vector))
#define QC_VECTORS 1
#define QC_LANE(a, i) ((a)[i])
#else
#define QC_VECTORS 0
#define QC_LANE(a, i) ((a).lane[i])
#endif
#if QC_VECTORS && defined(__SSE2__)
#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE4_1__)
#include <smmintrin.h>
#else
#include <emmintrin.h>
#endif
#define QC_SSE2 1
#else
#define QC_SSE2 0
#endif
#if QC_SSE2 && defined(__SSE4_1__)
#define QC_SSE41 1
#else
#define QC_SSE41 0
#endif
#if QC_SSE41 && defined(__AVX2__) && defined(__FMA__)
#define QC_AVX2 1
#else
#define QC_AVX2 0
#endif
#if QC_AVX2 && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__) && \\
    defined(__AVX512VNNI__)
#define QC_AVX512 1
#else
#define QC_AVX512 0
#endif
#if QC_VECTORS && defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#define QC_NEON 1
#else
#define QC_NEON 0
#endif
#if QC_VECTORS && defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#define QC_MVE 1
#else
#define QC_MVE 0
#endif
${productsText()}
#if QC_NEON && defined(__ARM_FEATURE_DOTPROD)
#define QC_DOTPROD 1
#else
#define QC_DOTPROD 0
#endif
#if QC_DOTPROD && defined(__ARM_FEATURE_MATMUL_INT8)
#define QC_I8MM 1
#else
#define QC_I8MM 0
#endif
`;
