/*
 * Writes text with a decoder that qc compiled to C, token by token, without an allocation:
 *
 *   qc compile stories.onnx --target c --name story --dim T=1 --state '…:append axis=2 max=512' -o .
 *   node pieces.ts tokenizer.json "Once upon a time" > pieces.h
 *   cc -O2 -ffp-contract=off main.c story.c -lm -o story && ./story 200 0.8 1
 *
 * The arguments are the number of tokens (256), the temperature (0: always the likeliest token) and a seed (0).
 * The program takes one token a run, i64, as its only input; its cache is a state. Other names: change the macros.
 */
#include "story.h"
#include "pieces.h" /* pieces: the text of each token; prompt: the tokens that the text begins with */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TOKENS story_OUTPUT_LOGITS_COUNT
#define COUNT(array) ((long)(sizeof(array) / sizeof *(array)))

static uint64_t arena[story_ARENA_BYTES / 8 + 2];
static float scores[TOKENS];

/* A number in [0, 1): mulberry32. */
static double next_random(uint32_t *state)
{
  uint32_t mixed = *state += 0x6d2b79f5u;
  mixed = (mixed ^ mixed >> 15) * (mixed | 1u);
  mixed ^= mixed + (mixed ^ mixed >> 7) * (mixed | 61u);
  return (double)(mixed ^ mixed >> 14) / 4294967296.0;
}

static int32_t choose(double temperature, uint32_t *random)
{
  int32_t best = 0;
  for (int32_t i = 1; i < TOKENS; i++) {
    if (scores[i] > scores[best]) {
      best = i;
    }
  }
  if (temperature <= 0) {
    return best;
  }
  const double most = (double)scores[best];
  double sum = 0;
  for (int32_t i = 0; i < TOKENS; i++) {
    sum += exp(((double)scores[i] - most) / temperature);
  }
  double left = next_random(random) * sum;
  for (int32_t i = 0; i < TOKENS; i++) {
    left -= exp(((double)scores[i] - most) / temperature);
    if (left < 0) {
      return i;
    }
  }
  return best;
}

int main(int argc, char **argv)
{
  const long count = argc > 1 ? atol(argv[1]) : 256;
  const double temperature = argc > 2 ? atof(argv[2]) : 0;
  uint32_t random = argc > 3 ? (uint32_t)atol(argv[3]) : 0;
  story_context context;
  /* the arena begins at a multiple of 16 bytes */
  int status = story_init(&context, arena + ((uintptr_t)arena % 16 != 0), story_ARENA_BYTES);
  int64_t token;
  for (long i = 0; status == story_OK && i < COUNT(prompt) + count; i++) {
    token = i < COUNT(prompt) ? prompt[i] : choose(temperature, &random);
    fputs(pieces[token], stdout);
    fflush(stdout);
    if (i + 1 < COUNT(prompt) + count) {
      status = story_run(&context, &token, scores);
    }
  }
  putchar('\n');
  if (status != story_OK) {
    fprintf(stderr, "%s\n", story_status_text(status));
  }
  return status;
}
