import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseSource, readSourceFiles, type SourceFile } from './source-files.ts';

const everythingBelowTheCommandLine = [
  ...[
    'support',
    'ir',
    'numerics',
    'text',
    'rewrite',
    'graph',
    'pass',
    'linalg',
    'target',
    'interpret',
    'calibrate',
    'onnx',
  ],
  ...['scheme', 'dialects', 'kernels', 'passes', 'backends'],
];

/** What each area may import besides itself. `*` is everything; an area that isn't named here may not exist. */
const allowed: Record<string, readonly string[]> = {
  support: [],
  ir: ['support'],
  numerics: ['support'],
  scheme: ['support'],
  text: ['ir', 'support', 'numerics'],
  rewrite: ['ir', 'support'],
  graph: ['ir', 'support'],
  pass: ['ir', 'linalg', 'numerics', 'rewrite', 'text', 'support'],
  linalg: [],
  target: ['ir', 'support'],
  interpret: ['ir', 'numerics', 'support'],
  calibrate: ['ir', 'numerics', 'interpret', 'support'],
  onnx: ['ir', 'support', 'numerics', 'dialects', 'interpret'],
  dialects: ['ir', 'numerics', 'support', 'rewrite'],
  kernels: ['dialects', 'ir', 'numerics', 'target', 'support'],
  passes: [
    ...['dialects', 'kernels', 'target', 'ir', 'numerics', 'rewrite', 'pass', 'calibrate', 'interpret', 'support'],
    ...['linalg', 'scheme'],
  ],
  backends: ['dialects', 'kernels', 'target', 'ir', 'numerics', 'support', 'runtime-strings'],
  'runtime-strings': [],
  runtime: [],
  api: everythingBelowTheCommandLine,
  index: ['*'],
  cli: ['*'],
};

const folders = ['src', 'dialects', 'kernels', 'passes', 'backends', 'runtime', 'runtime-strings'];

/** Their results differ between JavaScript engines, so no artifact may depend on them. */
const inexactMath = new Set([
  ...['exp', 'expm1', 'pow', 'log', 'log1p', 'log2', 'log10', 'cbrt', 'hypot', 'sin', 'cos', 'tan', 'asin', 'acos'],
  ...['atan', 'atan2', 'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh', 'random'],
]);

const files = readSourceFiles(folders);

/** The area of a file: its folder below src/, or its top folder; `src/index.ts` is `index`. */
function areaOf(path: string): string {
  const [top = '', second = ''] = path.split('/');
  return (top === 'src' ? second : top).replace(/\.ts$/, '');
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith('.');
}

function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier);
}

function forbiddenEdges(sources: readonly SourceFile[]): string[] {
  return sources.flatMap(({ path, imports }) => {
    const from = areaOf(path);
    const may = allowed[from];
    if (!may) return [`${path}: "${from}" is no area of the architecture`];
    return imports
      .filter(({ specifier }) => {
        if (!isRelative(specifier)) return from === 'runtime';
        const to = areaOf(resolve(path, specifier));
        return to !== from && !may.includes('*') && !may.includes(to);
      })
      .map(({ specifier }) => `${path} imports ${specifier}`);
  });
}

/** The first cycle of files that load one another, as the paths along it, or none. Type-only imports load nothing. */
function findCycle(sources: readonly SourceFile[]): string[] | undefined {
  const targets = new Map(
    sources.map(({ path, imports }) => [
      path,
      imports.filter((one) => isRelative(one.specifier) && !one.typeOnly).map((one) => resolve(path, one.specifier)),
    ]),
  );
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const next of targets.get(path) ?? []) {
      const cycle = visit(next, [...trail, path]);
      if (cycle) return cycle;
    }
    done.add(path);
    return undefined;
  };
  for (const path of targets.keys()) {
    const cycle = visit(path, []);
    if (cycle) return cycle;
  }
  return undefined;
}

function hostImports(sources: readonly SourceFile[]): string[] {
  return sources
    .filter(({ path }) => areaOf(path) !== 'cli')
    .flatMap(({ path, imports }) =>
      imports.filter(({ specifier }) => specifier.startsWith('node:')).map((one) => `${path} imports ${one.specifier}`),
    );
}

function inexactUses(sources: readonly SourceFile[]): string[] {
  return sources
    .filter(({ path }) => areaOf(path) !== 'cli')
    .flatMap(({ path, mathMembers }) =>
      mathMembers.filter((name) => inexactMath.has(name)).map((name) => `${path} uses Math.${name}`),
    );
}

describe('architecture', () => {
  it('reads the source files', () => expect(files.length).toBeGreaterThan(0));

  it('imports point down only', () => expect(forbiddenEdges(files)).toEqual([]));

  it('no two files load one another', () => expect(findCycle(files)).toBeUndefined());

  it('only the command line uses the host', () => expect(hostImports(files)).toEqual([]));

  it('no Math function whose result differs between engines', () => expect(inexactUses(files)).toEqual([]));
});

describe('the checks themselves', () => {
  it('see an import that points up, of a type too, and nothing in text', () => {
    const file = parseSource(
      'src/ir/a.ts',
      "import type { A } from '../pass/a.ts';\ntype B = import('../text/b.ts').B;\nconst s = `\nimport '../onnx/c.ts'`;\nimport { d } from '../support/d.ts';",
    );
    expect(forbiddenEdges([file])).toEqual(['src/ir/a.ts imports ../pass/a.ts', 'src/ir/a.ts imports ../text/b.ts']);
  });

  it('see an unknown folder, and a package in the runtime', () => {
    const sources = [parseSource('src/utils/a.ts', ''), parseSource('runtime/a.ts', "import { z } from 'zod';")];
    expect(forbiddenEdges(sources)).toEqual([
      'src/utils/a.ts: "utils" is no area of the architecture',
      'runtime/a.ts imports zod',
    ]);
  });

  it('see a cycle, and let types refer to one another', () => {
    const a = parseSource('src/ir/a.ts', "export { b } from './b.ts';");
    const typed = parseSource('src/ir/b.ts', "import type { a } from './a.ts';");
    const loading = parseSource('src/ir/b.ts', "const a = await import('./a.ts');");
    expect(findCycle([a, typed])).toBeUndefined();
    expect(findCycle([a, loading])).toEqual(['src/ir/a.ts', 'src/ir/b.ts', 'src/ir/a.ts']);
  });

  it('see the host and inexact functions outside the command line', () => {
    const text = "import 'node:fs'; Math.exp(1); Math['pow'](2, 3); Math.sqrt(2);";
    expect(hostImports([parseSource('src/ir/a.ts', text), parseSource('src/cli/a.ts', text)])).toEqual([
      'src/ir/a.ts imports node:fs',
    ]);
    expect(inexactUses([parseSource('src/ir/a.ts', text), parseSource('src/cli/a.ts', text)])).toEqual([
      'src/ir/a.ts uses Math.exp',
      'src/ir/a.ts uses Math.pow',
    ]);
  });
});
