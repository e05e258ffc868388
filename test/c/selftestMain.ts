import { type CSignature, countOf } from '../../backends/c/signature.ts';
import { cStorageType } from '../../backends/c/types.ts';

/** A main program for a machine of any size: runs the self-test and says how it went. Its status is the model's. */
export function selftestMain({ name, outputs }: CSignature): string {
  const args = outputs.map((_, i) => `, output${i}`).join('');
  return `${[
    `#include "${name}.h"`,
    '#include <stdio.h>',
    '',
    `static unsigned char arena[${name}_ARENA_BYTES + 1] __attribute__((aligned(16)));`,
    ...outputs.map((port, i) => `static ${cStorageType(port.dtype)} output${i}[${countOf(port)}];`),
    '',
    'int main(void)',
    '{',
    `  ${name}_context context;`,
    `  int status = ${name}_init(&context, arena, ${name}_ARENA_BYTES);`,
    '  if (status == 0) {',
    `    status = ${name}_selftest(&context${args});`,
    '  }',
    `  printf("%s\\n", ${name}_status_text(status));`,
    '  return status;',
    '}',
  ].join('\n')}\n`;
}
