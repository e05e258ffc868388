/**
 * Writes runtime-strings/: the JavaScript of each runtime as a string, so that the compiler can put it into artifacts
 * without a file system. Run it after a change in runtime/; a test compares.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { minifySync, transformSync } from 'rolldown/utils';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runtimes that ship inside artifacts. */
const runtimes = ['wasm', 'report'];

/** TypeScript as JavaScript without types, comments and exports. */
function plainScript(path: string, text: string): string {
  const { code, errors } = transformSync(path, text, { lang: 'ts' });
  if (errors.length > 0) throw new Error(`${path}: ${errors.map(({ message }) => message).join('\n')}`);
  const codegen = { removeWhitespace: false };
  const printed = minifySync(path, code, { compress: false, mangle: false, codegen });
  if (printed.errors.length > 0) throw new Error(`${path}: ${printed.errors.map(({ message }) => message).join('\n')}`);
  return printed.code.replaceAll(/^export (?=(async )?(function|const) )/gm, '');
}

/** The files of runtime-strings/ as they should be, by path from the project's root. */
export function runtimeStrings(): Map<string, string> {
  return new Map(
    runtimes.map((name) => {
      const source = `runtime/${name}.ts`;
      const text = plainScript(source, readFileSync(join(root, source), 'utf8'));
      const escaped = text.replaceAll(/[\\`]|\$\{/g, (found) => `\\${found}`);
      const head = `/** The JavaScript of ${source}, without its exports. Written by scripts/runtime-strings.ts. */\n`;
      return [`runtime-strings/${name}.ts`, `${head}export const ${name}Runtime = \`${escaped}\`;\n`];
    }),
  );
}

if (import.meta.main) {
  for (const [path, text] of runtimeStrings()) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}
