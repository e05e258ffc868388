import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import oniguruma from 'vscode-oniguruma';
import textmate from 'vscode-textmate';
import { registry } from '../../dialects/index.ts';
import { root } from '../source-files.ts';

const folder = join(root, 'editors/vscode');
const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
const [contributed] = manifest.contributes.grammars;

/** The grammar that the extension names, as the editor reads it. */
async function loadGrammar(): Promise<textmate.IGrammar> {
  const wasm = createRequire(import.meta.url).resolve('vscode-oniguruma/release/onig.wasm');
  await oniguruma.loadWASM(new Uint8Array(readFileSync(wasm)).buffer);
  const grammars = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    async loadGrammar() {
      const path = join(folder, contributed.path);
      return textmate.parseRawGrammar(readFileSync(path, 'utf8'), path);
    },
  });
  return (await grammars.loadGrammar(contributed.scopeName)) as textmate.IGrammar;
}

describe('the TextMate grammar', () => {
  let grammar: textmate.IGrammar;
  beforeAll(async () => {
    grammar = await loadGrammar();
  });

  /** The scope that the editor gives to a text at its first occurrence in a line, if that is one token. */
  const scopeOf = (line: string, text: string): string | undefined => {
    const at = line.indexOf(text);
    const { tokens } = grammar.tokenizeLine(line, textmate.INITIAL);
    const first = tokens.findIndex(({ startIndex }) => startIndex === at);
    const last = tokens.findIndex(({ endIndex }) => endIndex === at + text.length);
    const names = tokens.slice(first, last + 1).map(({ scopes }) => scopes[1]);
    return first >= 0 && last >= first && new Set(names).size === 1 ? names[0] : undefined;
  };
  const line =
    '  %0, %"a b" = nn.conv %x, %w.1 {pads = [2, -3.5]} : tensor<1x8x28x28x!quant<i8:f32, @s>> loc("Conv \\" 28")';

  it.each([
    ['%0', 'variable.other.value.qir'],
    ['%"a b"', 'variable.other.value.qir'],
    ['%w.1', 'variable.other.value.qir'],
    ['nn.conv', 'entity.name.function.op.qir'],
    ['pads', 'variable.parameter.attribute.qir'],
    ['-3.5', 'constant.numeric.qir'],
    ['tensor', 'storage.type.qir'],
    ['!quant', 'support.type.quantized.qir'],
    ['i8', 'storage.type.element.qir'],
    ['@s', 'variable.other.constant.symbol.qir'],
    ['"Conv \\" 28"', 'string.quoted.double.qir'],
  ])('knows %s', (text, scope) => expect(scopeOf(line, text)).toBe(scope));

  it('knows where lines begin, and comments', () => {
    expect(scopeOf('func @main(%x: tensor<4xf32>) -> () {', 'func')).toBe('keyword.declaration.qir');
    expect(scopeOf('resource @"conv 1/W:0" : i8[4] = random(7)', '@"conv 1/W:0"')).toBe(
      'variable.other.constant.symbol.qir',
    );
    expect(scopeOf('  nn.return %x // the end', '// the end')).toBe('comment.line.double-slash.qir');
  });

  it('colours every op that there is', () => {
    for (const name of registry.ops.keys()) expect(scopeOf(`  ${name} %x`, name), name).toMatch(/op\.qir|control\.qir/);
  });
});
