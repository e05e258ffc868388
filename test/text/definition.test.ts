import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { root } from '../source-files.ts';

const folder = join(root, 'editors/vscode');
const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

interface Document {
  readonly uri: string;
  getText(): string;
  offsetAt(position: number): number;
  positionAt(offset: number): number;
}
interface Provider {
  provideDefinition(document: Document, position: number): { uri: string; range: [number, number] } | undefined;
}

/** Starts the extension in an editor that has what it asks for, and gives what it offers for .qir files. */
function startExtension(): Provider {
  const offered: Provider[] = [];
  const editor = {
    Range: function range(start: number, end: number) {
      return [start, end];
    },
    Location: function location(uri: string, range: unknown) {
      return { uri, range };
    },
    languages: {
      registerDefinitionProvider(selector: { language: string }, provider: Provider) {
        expect(manifest.contributes.languages.map(({ id }: { id: string }) => id)).toContain(selector.language);
        offered.push(provider);
        return {};
      },
    },
  };
  const path = join(folder, manifest.main);
  const load = createRequire(path);
  const extension: { activate?: (context: { subscriptions: unknown[] }) => void } = {};
  const wrapped = runInThisContext(`(function (require, exports) {${readFileSync(path, 'utf8')}\n})`);
  wrapped((name: string) => (name === 'vscode' ? editor : load(name)), extension);
  const subscriptions: unknown[] = [];
  extension.activate?.({ subscriptions });
  expect(subscriptions).toHaveLength(1);
  return offered[0] as Provider;
}

/** A name with ⟨n⟩ before it is a use of the one with «n» before it. */
const marked = `quant «1»@s {scale = [0.5]}
resource «2»@"a W" : f32[4] = random(7, -1, 1)

func @main(«3»%x: tensor<4xf32>, «4»%"b c": tensor<4x!quant<i8:f32, ⟨1⟩@s>>) -> (%y: tensor<4xf32>) {
  «5»%0, «6»%x.1 = nn.split ⟨3⟩%x {at = 2} : tensor<2xf32>, tensor<2xf32> loc("%x @s")
  // %0 = nothing
  «7»%w = nn.constant {value = ⟨2⟩@"a W"} : tensor<4xf32>
  «8»%y = nn.if ⟨4⟩%"b c", ⟨5⟩%0 : tensor<4xf32> ({
  ^(«9»%i: tensor<2xf32>):
    «10»%t = nn.abs ⟨9⟩%i : tensor<2xf32>
    nn.yield ⟨10⟩%t, ⟨6⟩%"x.1"
  }, {
  ^(«11»%i: tensor<2xf32>):
    «12»%t = nn.neg ⟨11⟩%i : tensor<2xf32>
    nn.yield ⟨12⟩%t, ⟨7⟩%w
  })
  nn.return ⟨8⟩%y
}

kernel «13»@k(«14»%x: ref<f32, input>) {
  kernel.launch ⟨14⟩%x, ⟨13⟩@k
}
`;

describe('go to definition', () => {
  const text = marked.replaceAll(/[«⟨]\d+[»⟩]/g, '');
  const offsets = new Map<string, number>();
  let removed = 0;
  const uses: [string, number][] = [];
  for (const mark of marked.matchAll(/([«⟨])(\d+)[»⟩]/g)) {
    const at = mark.index - removed;
    removed += mark[0].length;
    if (mark[1] === '«') offsets.set(mark[2] as string, at);
    else uses.push([mark[2] as string, at]);
  }
  const document: Document = { uri: 'a.qir', getText: () => text, offsetAt: (p) => p, positionAt: (o) => o };
  const { provideDefinition } = startExtension();

  it.each(uses)('finds definition %s of the name at %s', (mark, at) => {
    const found = provideDefinition(document, at + 1);
    expect(found?.uri).toBe('a.qir');
    expect(found?.range[0]).toBe(offsets.get(mark));
    expect(text.slice(...(found?.range ?? [0, 0]))).toMatch(/^[%@]/);
  });

  it('has nothing to say of comments, texts and what is defined nowhere', () => {
    for (const place of ['%0 = nothing', '%x @s")', '@main', 'nn.abs']) {
      const at = text.indexOf(place) + 1;
      const [start] = provideDefinition(document, at)?.range ?? [];
      expect(start, place).toBe(place === '@main' ? at - 1 : undefined);
    }
    expect(provideDefinition({ ...document, getText: () => 'func @f() {\n  nn.return %z\n}\n' }, 26)).toBeUndefined();
  });
});
