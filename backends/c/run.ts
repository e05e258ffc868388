import type { Module } from '../../src/ir/index.ts';
import { callsOf, type Program } from './calls.ts';
import { foundParameter, runParameters } from './header.ts';
import type { KernelFunctions } from './kernelFunction.ts';
import type { Layout } from './layout.ts';
import { type CPort, type CSignature, guard } from './signature.ts';
import { type CSize, isChosen, isFound, sizeText } from './sizes.ts';
import { bytesText } from './source.ts';
import { type Turn, turnsOf, turnsText } from './together.ts';

/** NAME_run, or a function in its place that calls these kernels. */
export function runText(
  module: Module,
  signature: CSignature,
  kernels: KernelFunctions,
  layout: Layout,
  called = `${signature.name}_run`,
): string {
  const { name } = signature;
  const run = runParameters(signature).map((parameter) => `,\n    ${parameter}`);
  const found = signature.sizes.filter(isFound);
  const pointers = [
    ...[...signature.inputs, ...signature.outputs].map(({ identifier }) => identifier),
    ...found.map(foundParameter),
  ].map((pointer) => `${pointer} == NULL`);
  const numbers = new Map([...kernels.byLaunch.keys()].map((launch, i) => [launch, i]));
  const program = { module, signature, kernels, layout, numbers };
  const grown = grownText(signature, layout);
  const parts = signature.threads ? partsText(program) : undefined;
  return `${[
    ...(parts?.before ?? []),
    `int ${called}(${name}_context *ctx${run.join('')})`,
    '{',
    ...guard(['ctx == NULL', ...pointers].join(' || '), `${name}_ERROR_NULL`),
    ...guard(
      signature.weights === 'external' ? 'ctx->arena == NULL || ctx->weights == NULL' : 'ctx->arena == NULL',
      `${name}_ERROR_NOT_INITIALIZED`,
    ),
    ...sizeGuards(signature),
    ...grown.before,
    ...(parts?.call ?? bodyText(program, callsOf(module.main.body, program, '  '))),
    ...grown.after,
    `  return ${name}_OK;`,
    '}',
    '',
  ].join('\n')}\n`;
}

/** What all launches of a run need, and the launches. */
function bodyText(program: Program, launches: readonly string[]): string[] {
  const { signature } = program;
  const found = signature.sizes.filter(isFound);
  const calls = [...stagedText(program, true), ...launches, ...stagedText(program, false)];
  return [...pointersText(program, calls), '', ...calls, ...foundResults(found)];
}

/** Names of the memories that statements use, and of the sizes that they find. */
function pointersText({ signature, layout }: Program, calls: readonly string[]): string[] {
  const uses = (word: string) => calls.some((call) => call.includes(word));
  return [
    ...(uses('(arena + ') ? ['  unsigned char *const arena = ctx->arena;'] : []),
    ...(uses('(state + ') ? [`  unsigned char *const state = ctx->arena + ${layout.stateOffset};`] : []),
    ...(uses('(weights + ') ? [weightsPointer(signature)] : []),
    ...signature.sizes.filter(isFound).map(({ identifier }) => `  int32_t ${identifier} = 0;`),
  ];
}

const foundResults = (found: readonly CSize[]): string[] =>
  found.map((size) => `  *${foundParameter(size)} = ${size.identifier};`);

/** Copies of inputs into the arena, or of outputs out of it. */
function stagedText({ signature, layout }: Program, inputs: boolean): string[] {
  const ports = [...signature.inputs, ...signature.outputs];
  return layout.staged
    .filter(({ isInput }) => isInput === inputs)
    .map(({ argument, identifier, offset }) => {
      const bytes = bytesText(ports[argument] as CPort, signature);
      return inputs
        ? `  memcpy((arena + ${offset}), ${identifier}, ${bytes});`
        : `  memcpy(${identifier}, (arena + ${offset}), ${bytes});`;
    });
}

/** A run by several threads: the function that each of them runs, and what calls it. */
function partsText(program: Program): { readonly before: string[]; readonly call: string[] } {
  const { signature, module } = program;
  const { name, sizes } = signature;
  const kept = sizes.filter(({ grows }) => grows).map(({ identifier }) => `int32_t ${identifier}`);
  const told = [...runParameters(signature), ...kept].map((parameter) => {
    const [, type = '', own = ''] = /^(.*?)(\w+)$/.exec(parameter) ?? [];
    return { type, own };
  });
  const turns: Turn[] = [
    ...stagedText(program, true).map((line) => ({ alone: true, lines: [line] })),
    ...turnsOf(module.main.body, program, '  '),
    ...[...stagedText(program, false), ...foundResults(sizes.filter(isFound))].map((line) => ({
      alone: true,
      lines: [line],
    })),
  ];
  const lines = turnsText(turns, '  ');
  const words = new Set(lines.flatMap((line) => line.match(/\w+/g) ?? []));
  return {
    before: [
      'typedef struct {',
      `  ${name}_context *ctx;`,
      ...told.map(({ type, own }) => `  ${type}${own};`),
      '} qc_run;',
      '',
      '/* What one of the threads does. */',
      'static int qc_part(const void *told, int32_t qc_thread, int32_t qc_threads)',
      '{',
      '  const qc_run *const run = (const qc_run *)told;',
      `  ${name}_context *const ctx = run->ctx;`,
      ...told.filter(({ own }) => words.has(own)).map(({ type, own }) => `  ${type}const ${own} = run->${own};`),
      ...pointersText(program, lines),
      '  (void)qc_threads;',
      '',
      ...lines,
      `  return ${name}_OK;`,
      '}',
      '',
    ],
    call: [
      `  const qc_run told = {${['ctx', ...told.map(({ own }) => own)].join(', ')}};`,
      '  const int status = qc_together(ctx->threads, qc_part, &told);',
      ...guard(`status != ${name}_OK`, 'status'),
    ],
  };
}

function weightsPointer({ name, weights }: CSignature): string {
  const from = weights === 'external' ? 'ctx->weights' : `(const unsigned char *)${name}_weights`;
  return `  const unsigned char *const weights = ${from};`;
}

/** Sizes that are out of their bounds: nothing has run then. */
function sizeGuards({ name, sizes }: CSignature): string[] {
  return sizes
    .filter(isChosen)
    .flatMap(({ identifier, min, max }) =>
      guard(`${identifier} < ${min} || ${identifier} > ${max}`, `${name}_ERROR_SIZE`),
    );
}

/** What reads the sizes that the context keeps before a run, and what writes them behind it. */
function grownText({ name, sizes }: CSignature, { stateOffset }: Layout): { before: string[]; after: string[] } {
  const before: string[] = [];
  const full: string[] = [];
  const after: string[] = [];
  for (const { identifier, max, grows } of sizes) {
    if (!grows) continue;
    const place = `ctx->arena + ${stateOffset + grows.offset}`;
    before.push(`  int32_t ${identifier};`, `  memcpy(&${identifier}, ${place}, sizeof ${identifier});`);
    full.push(
      `  const int32_t next_${identifier} = ${sizeText(grows.next, sizes)};`,
      ...guard(`next_${identifier} > ${max}`, `${name}_ERROR_STATE_FULL`),
    );
    after.push(`  memcpy(${place}, &next_${identifier}, sizeof ${identifier});`);
  }
  return { before: [...before, ...full], after };
}
