import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generatedPages } from '../../scripts/docs.ts';
import { root } from '../source-files.ts';

describe('the generated pages of docs/', () => {
  it.each([...generatedPages()])('%s is what npm run docs writes', (path, text) => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(text);
  });
});
