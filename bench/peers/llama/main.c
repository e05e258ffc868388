/*
 * A product of 4-bit weights (Q4_0) with ggml, the library of llama.cpp, on one thread. Its shared libraries come
 * without headers, so what is called is declared here.
 *
 * main BASE.so CPU.so BUFFER ROWS DEPTH COLUMNS: BUFFER is the number of a kind of memory for weights, each with kernels
 * of its own. Reads numbers: computes so often from input.bin, says the nanoseconds, and writes output.bin.
 */
#define _POSIX_C_SOURCE 199309L
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef void *object;
struct parameters {
  size_t bytes;
  void *memory;
  bool without_data;
};

static void *libraries[2];

static void *find(const char *name)
{
  for (int i = 0; i < 2; i++) {
    void *found = dlsym(libraries[i], name);
    if (found != NULL) {
      return found;
    }
  }
  fprintf(stderr, "ggml has no %s\n", name);
  exit(1);
}

#define CALL(result, name, ...) ((result(*)(__VA_ARGS__))find(#name))

static void transfer(const char *path, const char *mode, void *data, size_t bytes)
{
  FILE *file = fopen(path, mode);
  size_t moved = file == NULL ? 0 : mode[0] == 'r' ? fread(data, 1, bytes, file) : fwrite(data, 1, bytes, file);
  if (moved != bytes) {
    fprintf(stderr, "%s: %zu of %zu bytes\n", path, moved, bytes);
    exit(2);
  }
  fclose(file);
}

int main(int count, char **arguments)
{
  if (count != 7) {
    return 1;
  }
  for (int i = 0; i < 2; i++) {
    libraries[i] = dlopen(arguments[1 + i], RTLD_NOW | RTLD_GLOBAL);
    if (libraries[i] == NULL) {
      fprintf(stderr, "%s\n", dlerror());
      return 1;
    }
  }
  const int kind = atoi(arguments[3]);
  const int64_t rows = atoll(arguments[4]), depth = atoll(arguments[5]), columns = atoll(arguments[6]);

  object registry = CALL(object, ggml_backend_init, void)();
  object device = CALL(object, ggml_backend_reg_dev_get, object, size_t)(registry, 0);
  object backend = CALL(object, ggml_backend_dev_init, object, const char *)(device, NULL);
  void *(*proc)(object, const char *) = CALL(void *, ggml_backend_reg_get_proc_address, object, const char *);
  ((void (*)(object, int))proc(registry, "ggml_backend_set_n_threads"))(backend, 1);
  object plain = CALL(object, ggml_backend_dev_buffer_type, object)(device);
  object memory = plain;
  if (kind > 0) {
    object *more = ((object * (*)(object)) proc(registry, "ggml_backend_dev_get_extra_bufts"))(device);
    for (int i = 0; i < kind; i++) {
      memory = more == NULL ? NULL : more[i];
      if (memory == NULL) {
        puts("none");
        return 0;
      }
    }
  }

  object (*init)(struct parameters) = CALL(object, ggml_init, struct parameters);
  object weights_context = init((struct parameters){1 << 20, NULL, true});
  object context = init((struct parameters){16 << 20, NULL, true});
  object (*matrix)(object, int, int64_t, int64_t) = CALL(object, ggml_new_tensor_2d, object, int, int64_t, int64_t);
  object (*allocate)(object, object) = CALL(object, ggml_backend_alloc_ctx_tensors_from_buft, object, object);
  const int f32 = 0, q4_0 = 2;
  object w = matrix(weights_context, q4_0, depth, columns);
  object x = matrix(context, f32, depth, rows);
  object y = CALL(object, ggml_mul_mat, object, object, object)(context, w, x);
  object graph = CALL(object, ggml_new_graph, object)(context);
  CALL(void, ggml_build_forward_expand, object, object)(graph, y);
  if (allocate(weights_context, memory) == NULL || allocate(context, plain) == NULL ||
      !CALL(bool, ggml_backend_dev_supports_op, object, object)(device, y)) {
    puts("none");
    return 0;
  }
  void (*set)(object, const void *, size_t, size_t) =
      CALL(void, ggml_backend_tensor_set, object, const void *, size_t, size_t);
  const size_t weight_bytes = (size_t)(columns * depth / 32 * 18);
  void *data = malloc(weight_bytes);
  transfer("weights.bin", "rb", data, weight_bytes);
  set(w, data, 0, weight_bytes);
  free(data);
  printf("%s\n", CALL(const char *, ggml_backend_buft_name, object)(memory));
  fflush(stdout);

  const size_t x_bytes = (size_t)(rows * depth) * 4, y_bytes = (size_t)(rows * columns) * 4;
  float *input = malloc(x_bytes), *output = malloc(y_bytes);
  int (*compute)(object, object) = CALL(int, ggml_backend_graph_compute, object, object);
  long runs;
  while (scanf("%ld", &runs) == 1) {
    transfer("input.bin", "rb", input, x_bytes);
    set(x, input, 0, x_bytes);
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (long i = 0; i < runs; i++) {
      if (compute(backend, graph) != 0) {
        return 3;
      }
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    CALL(void, ggml_backend_tensor_get, object, void *, size_t, size_t)(y, output, 0, y_bytes);
    transfer("output.bin", "wb", output, y_bytes);
    printf("%.0f\n", (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec));
    fflush(stdout);
  }
  return 0;
}
