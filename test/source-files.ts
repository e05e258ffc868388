import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync, Visitor } from 'rolldown/utils';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What one file refers to, read from its syntax tree: text in strings and comments doesn't count. */
export interface SourceFile {
  /** Path from the project's root, with forward slashes. */
  readonly path: string;
  readonly imports: readonly Import[];
  /** Names used as `Math.NAME`. */
  readonly mathMembers: readonly string[];
}

export interface Import {
  readonly specifier: string;
  /** Erased by the compiler: it can't make a cycle at run time. */
  readonly typeOnly: boolean;
}

/** Every TypeScript file below the given folders of the project; a folder that doesn't exist has none. */
export function readSourceFiles(folders: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) => {
    const entries = readdirIfPresent(join(root, folder));
    return entries
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
      .map((path) => relative(root, path).replaceAll('\\', '/'))
      .sort()
      .map((path) => parseSource(path, readFileSync(join(root, path), 'utf8')));
  });
}

function readdirIfPresent(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Parses one file. @throws Error when it is not valid TypeScript. */
export function parseSource(path: string, text: string): SourceFile {
  const { program, module, errors } = parseSync(path, text);
  const [error] = errors;
  if (error) throw new Error(`${path}: ${error.message}`);

  const imports: Import[] = [];
  for (const { moduleRequest, entries } of module.staticImports) {
    // `import './x.ts'` and `import {} from './x.ts'` load the file; so does a list with one value in it.
    const typeOnly = entries.length > 0 && entries.every((entry) => entry.isType);
    imports.push({ specifier: moduleRequest.value, typeOnly });
  }
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest, isType } of entries) {
      if (moduleRequest) imports.push({ specifier: moduleRequest.value, typeOnly: isType });
    }
  }

  const mathMembers: string[] = [];
  new Visitor({
    ImportExpression({ source }) {
      if (source.type === 'Literal') imports.push({ specifier: String(source.value), typeOnly: false });
    },
    TSImportType({ source }) {
      imports.push({ specifier: source.value, typeOnly: true });
    },
    MemberExpression({ object, property }) {
      if (object.type !== 'Identifier' || object.name !== 'Math') return;
      mathMembers.push(property.type === 'Literal' ? String(property.value) : text.slice(property.start, property.end));
    },
  }).visit(program);
  return { path, imports, mathMembers };
}
