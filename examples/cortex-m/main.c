/*
 * Which way up is a line of text? The classifier of examples/text-angle on a Cortex-M, in integers alone:
 *
 *   qc compile MODEL --target c --cpu scalar --scheme int8 --border int --calibrate LINES --name angle -o angle
 *   make run
 */
#include "angle.h"

#include <stdio.h>

static unsigned char arena[angle_ARENA_BYTES] __attribute__((aligned(angle_ARENA_ALIGNMENT)));
static int8_t picture[angle_INPUT_X_COUNT];
static int16_t probabilities[angle_OUTPUT_SOFTMAX_0_TMP_0_COUNT];

int main(void)
{
  angle_context context;
  int status = angle_init(&context, arena, sizeof arena);
  if (status == angle_OK) {
    status = angle_selftest(&context, probabilities);
  }
  printf("self-test: %s\n", angle_status_text(status));
  if (status == angle_OK) {
    FILE *file = fopen("picture.bin", "rb");
    if (file == NULL || fread(picture, 1, sizeof picture, file) != sizeof picture) {
      return 100;
    }
    fclose(file);
    status = angle_run(&context, picture, probabilities);
  }
  if (status == angle_OK) {
    printf("turned by %d degrees\n", probabilities[1] > probabilities[0] ? 180 : 0);
  }
  return status;
}
