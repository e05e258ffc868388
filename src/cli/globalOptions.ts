import { importOptions } from './importOptions.ts';
import type { OptionTable } from './options.ts';

/** Options of every command. */
export const generalOptions = {
  json: { kind: 'flag', help: 'print the result as one JSON document' },
  quiet: { kind: 'flag', help: 'leave out everything but the result and errors' },
  help: { kind: 'flag', short: 'h', help: 'say what the command does' },
} as const satisfies OptionTable;

/** Options of the commands that run passes. */
export const pipelineOptions = {
  'print-ir-before': { kind: 'maybe', value: '=PASS', help: 'print the IR before a pass, or before every pass' },
  'print-ir-before-all': { kind: 'flag', help: 'print the IR before every pass' },
  'print-ir-after': { kind: 'maybe', value: '=PASS', help: 'print the IR after a pass, or after every pass' },
  'print-ir-after-all': { kind: 'flag', help: 'print the IR after every pass' },
  'dump-graph': {
    kind: 'text',
    value: 'DIR',
    help: 'draw the graph after every pass that changes it, as DOT and SVG with a page that lists them',
  },
  'verify-semantics': {
    kind: 'flag',
    help: 'interpret the module before and after each pass and check what the pass promises (slow)',
  },
  'time-passes': { kind: 'flag', help: 'print how long each pass took, and the memory held after it' },
  'trace-rewrites': { kind: 'flag', help: 'print every rewrite: pass, rule, operation and layer' },
  reproducer: {
    kind: 'text',
    value: 'FILE',
    help: 'where a crash writes what reproduces it (default: qc-reproducer-*.qir in the current folder)',
  },
} as const satisfies OptionTable;

/** Options of the commands that can hold a model's states. */
export const stateOptions = {
  state: {
    kind: 'texts',
    value: 'OUT=IN',
    help: "an output that the program keeps and takes as this input in its next run; it begins at zero. 'OUT=IN:append axis=A max=N': the output is the input with new elements behind it, N at most; as=f16, as=int8, as=int4 or as=int4-rotated behind that stores them in fewer bits",
  },
} as const satisfies OptionTable;

/** Options that say which model is meant. */
export const modelOptions = {
  dim: {
    kind: 'texts',
    value: 'NAME=VALUE',
    help: 'the size of a dimension that the model leaves open, or NAME=LOW..HIGH in qc compile for a program that takes any size within bounds, or a sum, NAME=OTHER+1; a leading one is 1 when nothing is said',
  },
  ...importOptions,
} as const satisfies OptionTable;
