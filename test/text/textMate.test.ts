import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import grammar from '../../editors/vscode/syntaxes/qir.tmLanguage.json' with { type: 'json' };
import { root } from '../source-files.ts';

/** The scope that the grammar's first matching rule gives to the text at its first occurrence in a line. */
function scopeOf(line: string, text: string): string | undefined {
  const at = line.indexOf(text);
  for (let from = 0; from <= at; ) {
    const rules = grammar.patterns.map(({ name, match, begin, end }) => {
      const pattern = match ?? `${begin}[^"]*${end}`;
      const found = new RegExp(pattern, 'gy');
      found.lastIndex = from;
      return { name, length: found.exec(line)?.[0].length ?? 0 };
    });
    const best = rules.find(({ length }) => length > 0);
    if (from === at) return best?.name;
    from += best && from + best.length <= at ? best.length : 1;
  }
  return undefined;
}

describe('the TextMate grammar', () => {
  const line = '  %0 = nn.conv %x, %w {pads = [2, 2]} : tensor<1x8x28x28x!quant<i8:f32, @s>> loc("Conv 28")';

  it.each([
    ['%0', 'variable.other.value.qir'],
    ['nn.conv', 'entity.name.function.op.qir'],
    ['pads', 'variable.parameter.attribute.qir'],
    ['tensor', 'storage.type.qir'],
    ['!quant', 'support.type.quantized.qir'],
    ['@s', 'variable.other.constant.symbol.qir'],
    ['"Conv 28"', 'string.quoted.double.qir'],
  ])('knows %s', (text, scope) => expect(scopeOf(line, text)).toBe(scope));

  it('colours every op that there is', () => {
    for (const name of registry.ops.keys()) expect(scopeOf(`  ${name} %x`, name), name).toMatch(/op\.qir|control\.qir/);
  });

  it('is what the extension names', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'editors/vscode/package.json'), 'utf8'));
    expect(manifest.contributes.grammars[0].path).toBe('./syntaxes/qir.tmLanguage.json');
    expect(grammar.scopeName).toBe(manifest.contributes.grammars[0].scopeName);
  });
});
