import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './source-files.ts';

const shared = join(root, '../shared');
const folders = ['src', 'passes', 'dialects', 'kernels', 'backends', 'runtime'];

/** The shared models, and what their names begin with where that is no abbreviation of a kind of network. */
function sharedNames(): string[] {
  const models = readdirSync(join(shared, 'models')).flatMap((file) => file.match(/^(.*)\.onnx$/)?.[1] ?? []);
  const stems = models.map((name) => name.split('_')[0] as string).filter((stem) => stem.length > 3);
  return [...new Set([...models, ...stems])];
}

/** The names among `names` that stand in a text as words, whatever their case. */
function namesIn(text: string, names: readonly string[]): string[] {
  const words = new Set(text.toLowerCase().match(/[a-z][a-z0-9_]*/g));
  return names.filter((name) => words.has(name.toLowerCase()));
}

describe.skipIf(!existsSync(join(shared, 'models')))('the compiler (needs ../shared)', () => {
  it('names no shared model: what it does follows from the graph', () => {
    const names = sharedNames();
    const found = folders.flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.ts'))
        .flatMap((path) =>
          namesIn(readFileSync(join(root, folder, path), 'utf8'), names).map((name) => `${folder}/${path}: ${name}`),
        ),
    );
    expect(names.length).toBeGreaterThan(20);
    expect(found).toEqual([]);
  });

  it('would be seen to name one', () => {
    expect(namesIn("if (name === 'ResNet8_cifar10') skip();", sharedNames())).toContain('resnet8_cifar10');
  });
});
