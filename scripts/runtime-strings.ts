/**
 * Writes runtime-strings/: the JavaScript of each runtime as a string, so that the compiler can put it into artifacts
 * without a file system. Run it after a change in runtime/; a test compares.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { minifySync, transformSync } from 'rolldown/utils';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runtimes that ship inside artifacts, as the files of runtime/ that make them. */
const runtimes: Readonly<Record<string, readonly string[]>> = {
  wasm: ['tensors', 'relaxedDot', 'sizes', 'wasm'],
  threads: ['threads'],
  report: ['reportData', 'reportCharts', 'report'],
  webgpu: ['tensors', 'webgpu'],
};

/** TypeScript as JavaScript without types, comments, imports of one another and exports. */
function plainScript(path: string, text: string): string {
  const { code, errors } = transformSync(path, text, { lang: 'ts' });
  if (errors.length > 0) throw new Error(`${path}: ${errors.map(({ message }) => message).join('\n')}`);
  const codegen = { removeWhitespace: false };
  const printed = minifySync(path, code, { compress: false, mangle: false, codegen });
  if (printed.errors.length > 0) throw new Error(`${path}: ${printed.errors.map(({ message }) => message).join('\n')}`);
  const own = printed.code.replaceAll(/^import \{[^}]*\} from "\.\/\w+\.ts";\n/gm, '');
  return own.replaceAll(/^export (?=(async )?(function|const) )/gm, '');
}

/** The files of runtime-strings/ as they should be, by path from the project's root. */
export function runtimeStrings(): Map<string, string> {
  return new Map(
    Object.entries(runtimes).map(([name, parts]) => {
      const sources = parts.map((part) => `runtime/${part}.ts`);
      const text = sources.map((source) => plainScript(source, readFileSync(join(root, source), 'utf8'))).join('');
      const escaped = text.replaceAll(/[\\`]|\$\{/g, (found) => `\\${found}`);
      const head = `/** The JavaScript of ${sources.join(' and ')}, without exports. Written by scripts/runtime-strings.ts. */\n`;
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
