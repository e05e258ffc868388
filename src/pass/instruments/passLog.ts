import type { Module } from '../../ir/index.ts';
import type { Instrument } from '../run.ts';

/** Prints a line for each pass: its name, its time, and how many ops the module had before and has now. */
export function passLog({ print }: { readonly print: (line: string) => void }): Instrument {
  let before = 0;
  return {
    before(_run, module) {
      before = countOps(module);
    },
    after({ pass }, module, milliseconds) {
      print(`pass ${pass.name}: ${milliseconds.toFixed(1)} ms, ${before} → ${countOps(module)} operations`);
    },
    failed({ pass }) {
      print(`pass ${pass.name}: failed, ${before} operations`);
    },
  };
}

const countOps = (module: Module): number => [...module.ops()].length;
