import type { Status } from '../clike/status.ts';
import type { CSignature } from './signature.ts';

/** What the parameters are called that say which of how many threads runs a kernel. */
export const threadParameters = ['qc_thread', 'qc_threads'] as const;

/** Threads of a context at most, the caller's among them. */
const mostThreads = 64;
/** How often a thread looks whether the others are there before it sleeps. */
const looks = 4000;

export const threadsStatus: Status = { code: 'ERROR_THREADS', text: 'the threads cannot be had' };

/** What NAME.h says of threads, before the context, which points to them. */
export function threadTypes({ name }: CSignature): string[] {
  return [
    `#define ${name}_MAX_THREADS ${mostThreads}`,
    '/* Threads that run a context together, in memory of yours; its contents are not. */',
    `typedef struct ${name}_threads {`,
    `  struct ${name}_seat {`,
    `    struct ${name}_threads *team;`,
    '    int32_t number;',
    `  } seats[${name}_MAX_THREADS];`,
    `  pthread_t workers[${name}_MAX_THREADS];`,
    '  pthread_mutex_t mutex;',
    '  pthread_cond_t met;',
    '  uint32_t arrived;',
    '  uint32_t meetings;',
    '  int32_t count;',
    '  int begun;',
    '  int (*part)(const void *run, int32_t thread, int32_t threads);',
    '  const void *run;',
    `} ${name}_threads;`,
    '',
  ];
}

/** The functions that NAME.h declares for threads. */
export function threadDeclarations({ name }: CSignature): string[] {
  return [
    `/* From now on ${name}_run uses \`count\` threads, the caller's and others that are started here and sleep between runs; without this call it uses the caller's alone.`,
    ' * Results are the same bytes for any number. The memory must stay until they are ended. Return a ' +
      `${name}_status. */`,
    `int ${name}_start_threads(${name}_context *ctx, ${name}_threads *threads, int32_t count);`,
    `int ${name}_end_threads(${name}_context *ctx);`,
    '',
  ];
}

/** Where threads meet: returns when all have come, which then see what the others wrote. Nothing for one thread. */
export function meetingText({ name, threads }: CSignature): string {
  if (!threads) return '';
  return `static void qc_meet(${name}_threads *team)
{
  if (team == NULL) {
    return;
  }
  const uint32_t turn = __atomic_load_n(&team->meetings, __ATOMIC_ACQUIRE);
  if (__atomic_add_fetch(&team->arrived, 1u, __ATOMIC_ACQ_REL) == (uint32_t)team->count) {
    __atomic_store_n(&team->arrived, 0u, __ATOMIC_RELAXED);
    pthread_mutex_lock(&team->mutex);
    __atomic_store_n(&team->meetings, turn + 1u, __ATOMIC_RELEASE);
    pthread_cond_broadcast(&team->met);
    pthread_mutex_unlock(&team->mutex);
    return;
  }
  for (int look = 0; look < ${looks}; look++) {
    if (__atomic_load_n(&team->meetings, __ATOMIC_ACQUIRE) != turn) {
      return;
    }
  }
  pthread_mutex_lock(&team->mutex);
  while (__atomic_load_n(&team->meetings, __ATOMIC_ACQUIRE) == turn) {
    pthread_cond_wait(&team->met, &team->mutex);
  }
  pthread_mutex_unlock(&team->mutex);
}

/* Runs all parts, this thread the first one. */
static int qc_together(${name}_threads *team, int (*part)(const void *, int32_t, int32_t), const void *run)
{
  if (team == NULL) {
    return part(run, 0, 1);
  }
  team->part = part;
  team->run = run;
  qc_meet(team);
  return part(run, 0, team->count);
}

`;
}

/** NAME_start_threads and NAME_end_threads. */
export function startText({ name }: CSignature): string {
  return `static void *qc_work(void *seat)
{
  const int32_t number = ((const struct ${name}_seat *)seat)->number;
  ${name}_threads *const team = ((const struct ${name}_seat *)seat)->team;
  pthread_mutex_lock(&team->mutex);
  while (!team->begun) {
    pthread_cond_wait(&team->met, &team->mutex);
  }
  pthread_mutex_unlock(&team->mutex);
  for (;;) {
    qc_meet(team);
    if (team->part == NULL) {
      return NULL;
    }
    team->part(team->run, number, team->count);
  }
}

int ${name}_end_threads(${name}_context *ctx)
{
  if (ctx == NULL) {
    return ${name}_ERROR_NULL;
  }
  ${name}_threads *const team = ctx->threads;
  if (team == NULL) {
    return ${name}_ERROR_THREADS;
  }
  team->part = NULL;
  qc_meet(team);
  for (int32_t i = 1; i < team->count; i++) {
    pthread_join(team->workers[i], NULL);
  }
  pthread_cond_destroy(&team->met);
  pthread_mutex_destroy(&team->mutex);
  ctx->threads = NULL;
  return ${name}_OK;
}

int ${name}_start_threads(${name}_context *ctx, ${name}_threads *threads, int32_t count)
{
  if (ctx == NULL || threads == NULL) {
    return ${name}_ERROR_NULL;
  }
  if (ctx->threads != NULL || count < 1 || count > ${name}_MAX_THREADS) {
    return ${name}_ERROR_THREADS;
  }
  memset(threads, 0, sizeof *threads);
  if (pthread_mutex_init(&threads->mutex, NULL) != 0) {
    return ${name}_ERROR_THREADS;
  }
  if (pthread_cond_init(&threads->met, NULL) != 0) {
    pthread_mutex_destroy(&threads->mutex);
    return ${name}_ERROR_THREADS;
  }
  int32_t started = 1;
  for (; started < count; started++) {
    threads->seats[started].team = threads;
    threads->seats[started].number = started;
    if (pthread_create(&threads->workers[started], NULL, qc_work, &threads->seats[started]) != 0) {
      break;
    }
  }
  pthread_mutex_lock(&threads->mutex);
  threads->count = started;
  threads->begun = 1;
  pthread_cond_broadcast(&threads->met);
  pthread_mutex_unlock(&threads->mutex);
  ctx->threads = threads;
  if (started < count) {
    ${name}_end_threads(ctx);
    return ${name}_ERROR_THREADS;
  }
  return ${name}_OK;
}

`;
}
