import type { Helper } from '../c/helpers.ts';

/**
 * kernel.mma: mma.m16n8k32 where processors have it (sm_80). Those before (sm_75) have mma.m8n8k16, whose fragments are
 * the quarters of the larger ones: two halves of the rows by two halves of the depth.
 */
export const mmaHelper: Helper = {
  name: 'mma_m16n8k32',
  needs: [],
  text: `/* A header that runs threads on the CPU brings these. */
#if defined(QC_HOST_INSTRUCTIONS)
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
QC_INLINE void instruction_m16n8k32(int32_t &c0, int32_t &c1, int32_t &c2, int32_t &c3,
    uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t b0, uint32_t b1)
{
  asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 "
               "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+r"(c0), "+r"(c1), "+r"(c2), "+r"(c3)
               : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}
#else
QC_INLINE void instruction_m8n8k16(int32_t &c0, int32_t &c1, uint32_t a, uint32_t b)
{
  asm volatile("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0, %1}, {%2}, {%3}, {%0, %1};"
               : "+r"(c0), "+r"(c1)
               : "r"(a), "r"(b));
}
#endif

/* c += a · b of tiles that the threads of a warp hold together; see mma.m16n8k32 in the PTX ISA. */
QC_INLINE void mma_m16n8k32(int32_t &c0, int32_t &c1, int32_t &c2, int32_t &c3,
    uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t b0, uint32_t b1)
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  instruction_m16n8k32(c0, c1, c2, c3, a0, a1, a2, a3, b0, b1);
#else
  instruction_m8n8k16(c0, c1, a0, b0);
  instruction_m8n8k16(c0, c1, a2, b1);
  instruction_m8n8k16(c2, c3, a1, b0);
  instruction_m8n8k16(c2, c3, a3, b1);
#endif
}`,
};
