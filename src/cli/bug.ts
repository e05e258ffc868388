import { writeFileSync } from 'node:fs';
import type { Reproducer } from '../pass/index.ts';
import { fnv1a } from '../support/hash.ts';
import { printModule } from '../text/index.ts';
import type { Terminal } from './terminal.ts';

/** Says that qc has a bug, in a few lines, and where the file lies that reproduces it. */
export function reportBug(error: unknown, terminal: Terminal): void {
  const message = error instanceof Error ? error.message : String(error);
  terminal.error(`qc: this is a bug in qc: ${message}`);
  try {
    const path = terminal.crash.written ?? writeCrash(error, terminal);
    terminal.error(
      `  reproducer: ${path}\n  help: report it with this file; its first line is the command to run again`,
    );
  } catch (reason) {
    const why = reason instanceof Error ? reason.message : String(reason);
    terminal.error(`  no reproducer could be written: ${why}`);
  }
}

/** Writes what a failed pass worked on; the first line is the command. */
export function writeReproducer({ text, bin, pass }: Reproducer, terminal: Terminal): string {
  return writeFiles(text, bin, pass, terminal);
}

/** For a failure outside of passes: the command that was given, where it failed, and the module if there was one. */
function writeCrash(error: unknown, terminal: Terminal): string {
  const stack = (error instanceof Error && error.stack) || String(error);
  const head = [`// RUN: ${terminal.commandLine}`, ...stack.split('\n').map((line) => `// ${line}`)].join('\n');
  const { module } = terminal.crash;
  const printed = module ? printModule(module) : { text: '' };
  return writeFiles(`${head}\n${printed.text}`, printed.bin, 'qc', terminal);
}

function writeFiles(text: string, bin: Uint8Array | undefined, what: string, terminal: Terminal): string {
  const path = terminal.crash.file ?? `qc-reproducer-${what}-${fnv1a(text)}.qir`;
  writeFileSync(path, text);
  if (bin) writeFileSync(`${path}.bin`, bin);
  terminal.crash.written = path;
  return path;
}
