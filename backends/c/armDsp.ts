import { primary } from '../clike/expression.ts';
import type { Language } from '../clike/language.ts';
import { guarded, type Machine } from './guard.ts';
import type { Helper } from './helpers.ts';
import type { CSupport } from './language.ts';

/** Whether the machine multiplies pairs of 16 bits in general registers: `QC_ARM_DSP`. */
export const armDspText = `#if defined(__arm__) && defined(__ARM_FEATURE_DSP) && defined(__ARM_FEATURE_SIMD32) && !defined(QC_PLAIN)
#include <arm_acle.h>
#define QC_ARM_DSP 1
#else
#define QC_ARM_DSP 0
#endif
`;

const helper = (machine: Machine, name: string, definition: string): Helper => ({
  name,
  text: guarded(machine, 'QC_ARM_DSP', [definition]).join('\n'),
  needs: [],
});

const word = `QC_INLINE uint32_t qc_word(const int8_t *p)
{
  uint32_t a;
  memcpy(&a, p, sizeof a);
  return a;
}`;

/** The even codes, then the odd ones, as pairs of 16 bits. */
const product = `QC_INLINE int32_t qc_dot_word(int32_t sum, uint32_t w, uint32_t x)
{
  const int32_t even = __smlad(__sxtb16((int8x4_t)w), __sxtb16((int8x4_t)x), sum);
  return __smlad(__sxtb16((int8x4_t)(w >> 8)), __sxtb16((int8x4_t)(x >> 8)), even);
}`;

/** Products of four codes by Arm's DSP extension. */
export function armDspWords(support: CSupport): NonNullable<Language['codeWords']> {
  return {
    load(buffer, index) {
      support.require(helper(support.machine, 'qc_word', word));
      return primary(`qc_word(&${buffer}[${index.text}])`, [index]);
    },
    dot(accumulator, weights, activations) {
      support.require(helper(support.machine, 'qc_dot_word', product));
      const args = [accumulator, weights, activations];
      return primary(`qc_dot_word(${args.map(({ text }) => text).join(', ')})`, args);
    },
  };
}
