/* Which way up are lines of text? Reads pictures as floats from files, and says by how much each is turned. */
#include "angle.h"

#include <cuda_runtime.h>
#include <stdio.h>
#include <stdlib.h>

/* While one line is computed, the next one is read and copied: each slot has a model, a stream and memory of its own. */
struct Slot {
  angle_model model;
  cudaStream_t stream;
  float *picture;
  float *probabilities;
  const char *path;
};

static constexpr int slots = 2;

static void failed(const char *what)
{
  fprintf(stderr, "%s\n", what);
  exit(EXIT_FAILURE);
}

static void check(int status)
{
  if (status != angle_OK) failed(angle_status_text(status));
}

static void check(cudaError_t error)
{
  if (error != cudaSuccess) failed(cudaGetErrorString(error));
}

/* Waits for the line that is in the slot, and says how it is turned. */
static void finish(Slot &slot)
{
  if (slot.path == NULL) return;
  check(cudaStreamSynchronize(slot.stream));
  printf("%s: turned by %d degrees\n", slot.path, slot.probabilities[1] > slot.probabilities[0] ? 180 : 0);
  slot.path = NULL;
}

static void begin(Slot &slot, const char *path)
{
  FILE *file = fopen(path, "rb");
  if (file == NULL || fread(slot.picture, sizeof *slot.picture, angle_INPUT_X_COUNT, file) != angle_INPUT_X_COUNT) {
    fprintf(stderr, "%s can't be read\n", path);
    exit(EXIT_FAILURE);
  }
  fclose(file);
  check(angle_run(&slot.model, slot.picture, slot.probabilities, slot.stream));
  slot.path = path;
}

int main(int argc, char **argv)
{
  Slot slot[slots] = {};
  for (Slot &one : slot) {
    check(angle_create(&one.model));
    check(cudaStreamCreate(&one.stream));
    /* from such memory copies run beside kernels */
    check(cudaMallocHost((void **)&one.picture, angle_INPUT_X_COUNT * sizeof(float)));
    check(cudaMallocHost((void **)&one.probabilities, angle_OUTPUT_SOFTMAX_0_TMP_0_COUNT * sizeof(float)));
  }
  for (int i = 1; i < argc; i++) {
    Slot &next = slot[i % slots];
    finish(next);
    begin(next, argv[i]);
  }
  for (int i = 0; i < slots; i++) finish(slot[(argc + i) % slots]);
  for (Slot &one : slot) {
    check(angle_destroy(&one.model));
    check(cudaStreamDestroy(one.stream));
    check(cudaFreeHost(one.picture));
    check(cudaFreeHost(one.probabilities));
  }
  return EXIT_SUCCESS;
}
