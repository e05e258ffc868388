/* What runs before main on a Cortex-M: memory as C wants it, the float or vector unit on, files by semihosting. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern unsigned char data_begin[], data_end[], data_source[], bss_begin[], bss_end[], stack_top[];

int main(void);
void initialise_monitor_handles(void);

/* What exit runs last; the library expects it of its own startup. */
void _fini(void)
{
}

void reset(void)
{
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  /* CPACR: full access to the coprocessors 10 and 11 */
  *(volatile uint32_t *)0xe000ed88 |= 0xfu << 20;
  __asm volatile("dsb\n\tisb" ::: "memory");
#endif
  memcpy(data_begin, data_source, (size_t)(data_end - data_begin));
  memset(bss_begin, 0, (size_t)(bss_end - bss_begin));
  initialise_monitor_handles();
  exit(main());
}

/* Any exception ends the program. */
static void fault(void)
{
  abort();
}

typedef void (*vector)(void);

/* The stack's end, the reset handler, and fourteen exceptions. */
__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
  (vector)(uintptr_t)stack_top, reset, fault, fault, fault, fault, fault, fault,
  fault, fault, fault, fault, fault, fault, fault, fault,
};
