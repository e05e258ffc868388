import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { markedTable } from '../../bench/markedTable.ts';
import { columns, comparedNames, writer } from '../../bench/recipes.ts';
import { generatedPages } from '../../scripts/docs.ts';
import { root } from '../source-files.ts';

describe('the generated pages of docs/', () => {
  it.each([...generatedPages()])('%s is what npm run docs writes', (path, text) => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(text);
  });
});

describe('docs/recipes.md', () => {
  it('compares every recipe, in the columns that bench/recipes.ts writes', () => {
    const { lines } = markedTable(readFileSync(join(root, 'docs/recipes.md'), 'utf8'), writer);
    const rows = lines.map((line) => line.split('|').map((cell) => cell.trim()));
    expect(rows[0]?.slice(1, -1)).toEqual(columns);
    expect(rows.slice(2).map(([, name]) => name)).toEqual(comparedNames.map((name) => `\`${name}\``));
    for (const row of rows.slice(3)) for (const cell of row.slice(2, -1)) expect(cell).toMatch(/^[\d.]+( |$)/);
  });
});
