import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../source-files.ts';
import { hasSharedModels, modelsFolder } from './sharedSamples.ts';

const other = join(root, 'node_modules/node22/bin/node');
const missing = existsSync(other) && hasSharedModels ? '' : ` (needs node22 and ${modelsFolder})`;

/** The digests of all files of a model for every target, compiled by a version of Node. */
function digests(node: string, model: string, scheme: string): Record<string, string> {
  const script = join(root, 'test/models/compileProcess.ts');
  const text = execFileSync(node, ['--no-warnings', script, model, scheme], { cwd: root, encoding: 'utf8' });
  return JSON.parse(text) as Record<string, string>;
}

describe.skipIf(missing)(`the same model and options${missing}`, () => {
  it.each([
    ['mnist_resnet_f', 'int8'],
    ['resnet8_cifar10', 'w8a8'],
  ])('are the same files, on two runs and two versions of Node: %s in %s', (model, scheme) => {
    const here = digests(process.execPath, model, scheme);
    expect(Object.keys(here).length).toBeGreaterThan(12);
    if (scheme === 'int8') expect(digests(process.execPath, model, scheme)).toEqual(here);
    expect(digests(other, model, scheme)).toEqual(here);
  });
});
