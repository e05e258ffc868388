/* Which way up are lines of text? Reads pictures as floats from files, and says by how much each is turned. */
#include "angle.h"

#include <stdio.h>
#include <stdlib.h>

static float picture[angle_INPUT_X_COUNT];

int main(int argc, char **argv)
{
  /* memory from malloc is aligned well enough */
  void *arena = malloc(angle_ARENA_BYTES);
  angle_context context;
  int status = angle_init(&context, arena, angle_ARENA_BYTES);
  for (int i = 1; i < argc && status == angle_OK; i++) {
    FILE *file = fopen(argv[i], "rb");
    if (file == NULL || fread(picture, sizeof *picture, angle_INPUT_X_COUNT, file) != angle_INPUT_X_COUNT) {
      fprintf(stderr, "%s can't be read\n", argv[i]);
      return EXIT_FAILURE;
    }
    fclose(file);
    float probabilities[angle_OUTPUT_SOFTMAX_0_TMP_0_COUNT];
    status = angle_run(&context, picture, probabilities);
    if (status == angle_OK) {
      printf("%s: turned by %d degrees\n", argv[i], probabilities[1] > probabilities[0] ? 180 : 0);
    }
  }
  if (status != angle_OK) {
    fprintf(stderr, "%s\n", angle_status_text(status));
  }
  free(arena);
  return status;
}
