/*
 * CUDA on the CPU, to check the numbers of generated code: the same .cu compiled as C++17. Each thread of a group is a
 * fiber. Groups and fibers run forward, reversed or in random order: in turns, from one synchronized run to the next.
 *
 *   g++ -std=gnu++17 -x c++ -ffp-contract=off -I THIS_FOLDER model.cu
 */
#pragma once

#include "cuda_runtime_api.h"

#include <chrono>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static __attribute__((section("shim_shared")))
#define QC_LAUNCH(kernel, groups, size, stream, ...) \
  shim::launch((groups), (size), [=] { (void)(stream); kernel(__VA_ARGS__); })

struct dim3 { unsigned x, y, z; };
inline dim3 blockIdx = {0, 0, 0}, threadIdx = {0, 0, 0};

/* All memory of groups, between symbols of the linker; there may be none. */
extern "C" unsigned char __start_shim_shared[] __attribute__((weak));
extern "C" unsigned char __stop_shim_shared[] __attribute__((weak));

namespace shim {

constexpr int unknown = 0xa5;
constexpr size_t stackBytes = 256 << 10;
constexpr unsigned mostThreads = 1024, warpSize = 32;

[[noreturn]] inline void fail(const char *what)
{
  fprintf(stderr, "%s\n", what);
  exit(97);
}

/* Runs that were waited for. */
inline unsigned runs = 0;

/* A permutation of 0 … count − 1. */
class Order {
public:
  explicit Order(unsigned count) : count_(count)
  {
    for (unsigned i = 0; i < count; i++) turn_[i] = runs % 3 == 1 ? count - 1 - i : i;
    if (runs % 3 != 2) return;
    for (unsigned i = count; i > 1; i--) {
      seed = seed * 6364136223846793005ull + 1442695040888963407ull;
      const unsigned other = (unsigned)(seed >> 33) % i, kept = turn_[i - 1];
      turn_[i - 1] = turn_[other];
      turn_[other] = kept;
    }
  }
  const unsigned *begin() const { return turn_; }
  const unsigned *end() const { return turn_ + count_; }

private:
  static inline uint64_t seed = 1;
  unsigned count_, turn_[mostThreads];
};

enum class State { ready, atBlock, atWarp, done };

struct Fiber {
  ucontext_t context;
  char *stack;
  State state;
};

inline Fiber fibers[mostThreads];
inline ucontext_t scheduler;
inline void (*body)(const void *);
inline const void *bodyData;

/* Sanitizers are told about each change of the stack. */
#ifdef __SANITIZE_ADDRESS__
inline const void *schedulerStack;
inline size_t schedulerStackBytes;
inline void leave(void **fake, const void *stack, size_t bytes) { __sanitizer_start_switch_fiber(fake, stack, bytes); }
inline void arrive(void *fake, const void **stack, size_t *bytes) { __sanitizer_finish_switch_fiber(fake, stack, bytes); }
#else
inline const void *schedulerStack;
inline size_t schedulerStackBytes;
inline void leave(void **, const void *, size_t) {}
inline void arrive(void *, const void **, size_t *) {}
#endif

/* A fiber stops until its group or warp has come as far. */
inline void wait(State state)
{
  const dim3 thread = threadIdx;
  Fiber &fiber = fibers[thread.x];
  void *fake = nullptr;
  fiber.state = state;
  leave(&fake, schedulerStack, schedulerStackBytes);
  swapcontext(&fiber.context, &scheduler);
  arrive(fake, &schedulerStack, &schedulerStackBytes);
  threadIdx = thread;
}

inline void enter()
{
  arrive(nullptr, &schedulerStack, &schedulerStackBytes);
  body(bodyData);
  fibers[threadIdx.x].state = State::done;
  leave(nullptr, schedulerStack, schedulerStackBytes);
  setcontext(&scheduler);
}

inline void resume(unsigned thread)
{
  void *fake = nullptr;
  threadIdx.x = thread;
  leave(&fake, fibers[thread].stack, stackBytes);
  swapcontext(&scheduler, &fibers[thread].context);
  arrive(fake, nullptr, nullptr);
}

/* Lets fibers from `begin` to `end` go on when all of them wait for that. Gives how many wait. */
inline unsigned release(unsigned begin, unsigned end, State state)
{
  unsigned waiting = 0;
  for (unsigned i = begin; i < end; i++) waiting += fibers[i].state == state;
  if (waiting == end - begin)
    for (unsigned i = begin; i < end; i++) fibers[i].state = State::ready;
  return waiting;
}

inline void runGroup(unsigned size)
{
  if (__start_shim_shared) memset(__start_shim_shared, unknown, (size_t)(__stop_shim_shared - __start_shim_shared));
  for (unsigned i = 0; i < size; i++) {
    Fiber &fiber = fibers[i];
    if (!fiber.stack) fiber.stack = (char *)mmap(0, stackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack;
    fiber.context.uc_stack.ss_size = stackBytes;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, enter, 0);
    fiber.state = State::ready;
  }
  for (;;) {
    unsigned ran = 0, done = 0;
    for (unsigned i : Order(size))
      if (fibers[i].state == State::ready) {
        ran++;
        resume(i);
      }
    for (unsigned i = 0; i < size; i++) done += fibers[i].state == State::done;
    if (done == size) return;
    if (ran == 0) fail("only some threads arrive at a barrier");
    for (unsigned i = 0; i < size; i += warpSize) release(i, i + warpSize < size ? i + warpSize : size, State::atWarp);
    release(0, size, State::atBlock);
  }
}

/* Places in the first allocation where nothing may be written. */
struct Gap { size_t offset, bytes; };
inline const Gap *gaps;
inline size_t gapCount;
inline unsigned char *watched;

inline void checkGaps()
{
  for (size_t i = 0; watched && i < gapCount; i++)
    for (size_t k = 0; k < gaps[i].bytes; k++)
      if (watched[gaps[i].offset + k] != unknown) fail("written behind the end of a buffer");
}

template <class Kernel> void launch(unsigned groups, unsigned size, Kernel kernel)
{
  if (size == 0 || size > mostThreads) fail("a launch of a size that devices don't take");
  body = [](const void *data) { (*(const Kernel *)data)(); };
  const void *data = &kernel;
  bodyData = data;
  for (size_t i = 0; watched && i < gapCount; i++) memset(watched + gaps[i].offset, unknown, gaps[i].bytes);
  const unsigned part = mostThreads;
  for (unsigned first = 0; first < groups; first += part)
    for (unsigned i : Order(groups - first < part ? groups - first : part)) {
      blockIdx.x = first + i;
      runGroup(size);
    }
  bodyData = nullptr;
  checkGaps();
}

inline unsigned allocations = 0;

struct Event { std::chrono::steady_clock::time_point time; };

} // namespace shim

inline void __syncthreads() { shim::wait(shim::State::atBlock); }

/* Four products of signed bytes. */
inline int __dp4a(int a, int b, int c)
{
  unsigned sum = (unsigned)c;
  for (int i = 0; i < 4; i++) sum += (unsigned)((int8_t)((unsigned)a >> 8 * i) * (int8_t)((unsigned)b >> 8 * i));
  return (int)sum;
}

inline void __syncwarp() { shim::wait(shim::State::atWarp); }

namespace shim {

/* What each thread of a group holds of the matrices a and b. */
inline uint32_t held[mostThreads][6];

inline int code(unsigned thread, unsigned word, unsigned byte) { return (int8_t)(held[thread][word] >> 8 * byte); }

/*
 * PTX ISA, "Matrix Fragments for mma.m16n8k32", .s8: groupID = lane >> 2, threadID_in_group = lane % 4.
 * a0 … a15: row = groupID for 0 <= i < 4 and 8 <= i < 12, else groupID + 8;
 *           col = threadID_in_group * 4 + (i & 3) for i < 8, else the same + 16.
 * b0 … b7:  row = threadID_in_group * 4 + (i & 3) for i < 4, else the same + 16; col = groupID.
 * c0 … c3:  row = groupID for i < 2, else groupID + 8; col = threadID_in_group * 2 + (i & 1).
 */
inline void productM16n8k32(int32_t *c, unsigned first, unsigned lane)
{
  static int a[16][32], b[32][8];
  for (unsigned other = 0; other < warpSize; other++) {
    const unsigned group = other >> 2, inGroup = other % 4;
    for (unsigned i = 0; i < 16; i++) {
      const unsigned row = i < 4 || (i >= 8 && i < 12) ? group : group + 8;
      a[row][inGroup * 4 + (i & 3) + (i < 8 ? 0 : 16)] = code(first + other, i / 4, i & 3);
    }
    for (unsigned i = 0; i < 8; i++) b[inGroup * 4 + (i & 3) + (i < 4 ? 0 : 16)][group] = code(first + other, 4 + i / 4, i & 3);
  }
  for (unsigned i = 0; i < 4; i++) {
    unsigned sum = (unsigned)c[i];
    for (unsigned k = 0; k < 32; k++) sum += (unsigned)(a[(lane >> 2) + (i < 2 ? 0 : 8)][k] * b[k][lane % 4 * 2 + (i & 1)]);
    c[i] = (int32_t)sum;
  }
}

/*
 * "Matrix Fragments for mma.m8n8k16", .s8: a: row = groupID, col = threadID_in_group * 4 + i; b: row =
 * threadID_in_group * 4 + i, col = groupID; c: row = groupID, col = threadID_in_group * 2 + i.
 */
inline void productM8n8k16(int32_t *c, unsigned first, unsigned lane)
{
  for (unsigned i = 0; i < 2; i++) {
    unsigned sum = (unsigned)c[i];
    for (unsigned k = 0; k < 16; k++) {
      const unsigned ofRow = first + (lane >> 2) * 4 + k / 4, ofColumn = first + (lane % 4 * 2 + i) * 4 + k / 4;
      sum += (unsigned)(code(ofRow, 0, k % 4) * code(ofColumn, 4, k % 4));
    }
    c[i] = (int32_t)sum;
  }
}

template <class Product> void together(Product product, int32_t *c, const uint32_t (&words)[6])
{
  const unsigned lane = threadIdx.x % warpSize;
  memcpy(held[threadIdx.x], words, sizeof words);
  __syncwarp();
  product(c, threadIdx.x - lane, lane);
  __syncwarp();
}

} // namespace shim

/* Which processor is played. */
#ifndef __CUDA_ARCH__
#define __CUDA_ARCH__ 900
#endif
#define QC_HOST_INSTRUCTIONS

inline void instruction_m8n8k16(int32_t &c0, int32_t &c1, uint32_t a, uint32_t b)
{
  int32_t c[2] = {c0, c1};
  shim::together(shim::productM8n8k16, c, {a, 0, 0, 0, b, 0});
  c0 = c[0];
  c1 = c[1];
}

inline void instruction_m16n8k32(int32_t &c0, int32_t &c1, int32_t &c2, int32_t &c3,
    uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t b0, uint32_t b1)
{
  int32_t c[4] = {c0, c1, c2, c3};
  shim::together(shim::productM16n8k32, c, {a0, a1, a2, a3, b0, b1});
  c0 = c[0];
  c1 = c[1];
  c2 = c[2];
  c3 = c[3];
}

inline float __fmul_rn(float a, float b) { return a * b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
inline float __fsqrt_rn(float a) { return sqrtf(a); }
inline double __dsqrt_rn(double a) { return sqrt(a); }

/* QC_NO_DEVICE and QC_NO_MEMORY play a machine that lacks them. */
inline cudaError_t cudaGetDeviceCount(int *count)
{
  *count = getenv("QC_NO_DEVICE") ? 0 : 1;
  return *count ? cudaSuccess : cudaErrorNoDevice;
}

inline cudaError_t cudaMalloc(void **memory, size_t bytes)
{
  if (getenv("QC_NO_MEMORY")) return cudaErrorMemoryAllocation;
  *memory = aligned_alloc(256, (bytes + 255) / 256 * 256);
  memset(*memory, shim::unknown, bytes);
  if (shim::allocations++ == 0) shim::watched = (unsigned char *)*memory;
  return cudaSuccess;
}

inline cudaError_t cudaFree(void *memory)
{
  if (memory == shim::watched) shim::watched = nullptr;
  free(memory);
  return cudaSuccess;
}

inline cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind)
{
  memcpy(to, from, bytes);
  return cudaSuccess;
}

inline cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t)
{
  return cudaMemcpy(to, from, bytes, kind);
}

inline cudaError_t cudaMemset(void *memory, int value, size_t bytes)
{
  memset(memory, value, bytes);
  return cudaSuccess;
}

inline cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t)
{
  return cudaMemset(memory, value, bytes);
}

inline cudaError_t cudaMallocHost(void **memory, size_t bytes)
{
  *memory = malloc(bytes);
  return *memory ? cudaSuccess : cudaErrorMemoryAllocation;
}

inline cudaError_t cudaFreeHost(void *memory)
{
  free(memory);
  return cudaSuccess;
}

inline cudaError_t cudaStreamCreate(cudaStream_t *stream)
{
  *stream = nullptr;
  return cudaSuccess;
}

inline cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }

inline cudaError_t cudaStreamSynchronize(cudaStream_t)
{
  shim::runs++;
  return cudaSuccess;
}

/* Events take the time at once: what is on a stream has been done. */
inline cudaError_t cudaEventCreate(cudaEvent_t *event)
{
  *event = new shim::Event;
  return cudaSuccess;
}

inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t)
{
  event->time = std::chrono::steady_clock::now();
  return cudaSuccess;
}

inline cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to)
{
  *milliseconds = std::chrono::duration<float, std::milli>(to->time - from->time).count();
  return cudaSuccess;
}

inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline cudaError_t cudaPeekAtLastError() { return cudaSuccess; }
inline const char *cudaGetErrorString(cudaError_t error) { return error == cudaSuccess ? "no error" : "an error"; }
