import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { externalDataBeside } from '../../src/cli/externalData.ts';
import { importOnnx, interpret } from '../../src/index.ts';
import { type TensorType, verifyModule } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { zeros } from '../../src/support/tensor.ts';

// Imports and runs the models that are named on zeros, and prints what came of each, its time, and the memory so far.

function outcomeOf(path: string): 'run' | 'reject' | 'crash' {
  try {
    const module = importOnnx(new Uint8Array(readFileSync(path)), { externalData: externalDataBeside(path) });
    verifyModule(module);
    const inputs = module.main.body.args.map((arg) => {
      const { shape, element } = arg.type as TensorType;
      const sizes = shape.map((dim) => (typeof dim === 'number' ? dim : 1));
      return [arg.name as string, zeros(element as 'f32', sizes)] as const;
    });
    interpret(module, Object.fromEntries(inputs));
    return 'run';
  } catch (error) {
    return error instanceof QcError ? 'reject' : 'crash';
  }
}

const measured = process.argv.slice(2).map((path) => {
  const start = performance.now();
  const outcome = outcomeOf(path);
  const milliseconds = performance.now() - start;
  return { id: basename(dirname(path)), outcome, milliseconds, megabytes: process.resourceUsage().maxRSS / 1024 };
});
process.stdout.write(JSON.stringify(measured));
