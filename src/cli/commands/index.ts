import type { Command } from '../command.ts';
import { compile } from './compile.ts';
import { doctor } from './doctor.ts';
import { inspect } from './inspect.ts';
import { opt } from './opt.ts';
import { run } from './run.ts';

/** Every command, in the order of help. */
export const commands: readonly Command[] = [compile, run, inspect, opt, doctor];

/** Commands of the design that are not there yet. */
export const planned: ReadonlyMap<string, string> = new Map([
  ['quantize', 'writes a quantized model as ONNX or IR'],
  ['eval', 'compares schemes on data'],
  ['debug', 'says which layers the error comes from'],
  ['explain', 'says how each layer is computed'],
  ['diff', 'compares two models, artifacts or reports'],
  ['bench', 'measures speed against other runtimes'],
  ['report', 'writes a report as a page'],
]);
