import { inputFile, timesFile, transferFunctions } from '../c/host.ts';
import type { CSignature } from '../c/signature.ts';
import { bytesOf, closeLines, openLines, outputArguments, runArguments } from './main.ts';

/**
 * A main program that times every launch by events of the stream, for code that is compiled with NAME_TRACE: it runs
 * the self-test, then on input0.bin, … as often as its first argument says, for as many milliseconds as the second says
 * and three times at least, and writes times.bin, microseconds of each launch as f64. Exit status as that of NAME_MAIN.
 */
export function profileMain(signature: CSignature, launches: number): string {
  const { name, inputs } = signature;
  return `${[
    `#include "${name}.h"`,
    '#include <stdio.h>',
    '#include <stdlib.h>',
    '#include <chrono>',
    '',
    ...transferFunctions,
    '/* The first before all launches, the others each behind one. */',
    `static cudaEvent_t events[${launches + 1}];`,
    `static double times[${Math.max(1, launches)}];`,
    '',
    `void ${name}_trace(int launch, const char *, cudaStream_t stream)`,
    '{',
    '  cudaEventRecord(events[launch + 1], stream);',
    '}',
    '',
    'static double milliseconds()',
    '{',
    '  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();',
    '}',
    '',
    'int main(int argc, char **argv)',
    '{',
    ...openLines(signature),
    '  const int rounds = argc > 1 ? atoi(argv[1]) : 1;',
    '  const double budget = argc > 2 ? atof(argv[2]) : 0;',
    `  for (int i = 0; i < ${launches + 1} && status == 0; i++) {`,
    '    if (cudaEventCreate(&events[i]) != cudaSuccess) {',
    `      status = ${name}_ERROR_CUDA;`,
    '    }',
    '  }',
    ...(signature.selftest
      ? ['  if (status == 0) {', `    status = ${name}_selftest(${outputArguments(signature)});`, '  }']
      : []),
    ...inputs.flatMap((port, i) => [
      `  FILE *file_${port.identifier} = opened("${inputFile(i)}", "rb");`,
      `  transfer(file_${port.identifier}, ${port.identifier}, ${bytesOf(port)}, 0);`,
      `  fclose(file_${port.identifier});`,
    ]),
    `  FILE *file = opened("${timesFile}", "wb");`,
    '  const double start = milliseconds();',
    '  for (int done = 0; done < rounds && status == 0 && (done < 3 || milliseconds() - start < budget); done++) {',
    `    status = ${name}_run(${runArguments(signature)});`,
    '    if (status == 0 && cudaStreamSynchronize(NULL) != cudaSuccess) {',
    `      status = ${name}_ERROR_CUDA;`,
    '    }',
    `    for (int i = 0; i < ${launches} && status == 0; i++) {`,
    '      float elapsed = 0;',
    '      if (cudaEventElapsedTime(&elapsed, events[i], events[i + 1]) != cudaSuccess) {',
    `        status = ${name}_ERROR_CUDA;`,
    '      }',
    '      times[i] = 1e3 * elapsed;',
    '    }',
    '    transfer(file, times, sizeof times, 1);',
    '  }',
    '  if (fclose(file) != 0) {',
    '    exit(100);',
    '  }',
    ...closeLines(signature),
    '}',
  ].join('\n')}\n`;
}
