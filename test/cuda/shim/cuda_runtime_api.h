/* What generated CUDA calls of the runtime, with a CPU for the device: a stream is done when a call returns. */
#pragma once

#include <stddef.h>

typedef enum { cudaSuccess = 0, cudaErrorMemoryAllocation = 2, cudaErrorNoDevice = 100 } cudaError_t;
typedef enum { cudaMemcpyHostToDevice = 1, cudaMemcpyDefault = 4 } cudaMemcpyKind;
typedef struct CUstream_st *cudaStream_t;
#ifdef __cplusplus
namespace shim { struct Event; }
typedef shim::Event *cudaEvent_t;
#endif
