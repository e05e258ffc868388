import { spawnSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { workplace } from '../cli/workplace.ts';
import { root } from '../source-files.ts';

const source = `
resource @w : f32[48] = random(1, -1, 1)
func @main(%x: tensor<1x8xf32>) -> (%y: tensor<1x6xf32>) {
  %w = nn.constant {value = @w} : tensor<8x6xf32>
  %0 = nn.matmul %x, %w : tensor<1x6xf32> loc("product")
  nn.return %0
}
`;

/** What a worker's host does: modules come from imports, and bytes are never compiled. */
const host = `
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
const modules = new Map();
globalThis.importedModule = (url) => modules.get(url);
registerHooks({
  load(url, context, next) {
    if (!url.endsWith('.wasm')) return next(url, context);
    modules.set(url, new WebAssembly.Module(readFileSync(new URL(url))));
    return { format: 'module', shortCircuit: true, source: 'export default importedModule(import.meta.url)' };
  },
});
WebAssembly.compile = async () => { throw new WebAssembly.CompileError('code generation is not allowed here'); };
const { default: worker } = await import('./worker.js');
const post = (bytes) => worker.fetch(new Request('https://edge.example/', { method: 'POST', body: bytes }));
const input = Float32Array.from({ length: 8 }, (_, i) => Math.sin(i));
const good = await post(input);
const bad = await post(input.subarray(1));
const got = await worker.fetch(new Request('https://edge.example/'));
console.log(JSON.stringify({ good: await good.json(), bad: [bad.status, await bad.text()], got: got.status }));
`;

describe('the edge worker', () => {
  const { qc, folder } = workplace({ 'model.qir': source });

  it('answers with an imported module, where nothing may be compiled', () => {
    const { code, err } = qc('compile', 'model.qir', '--target', 'wasm', '-o', 'w');
    expect(code, err).toBe(0);
    copyFileSync(join(root, 'examples/edge-worker/worker.js'), join(folder, 'w/worker.js'));
    writeFileSync(join(folder, 'w/package.json'), '{"type": "module"}');
    writeFileSync(join(folder, 'w/host.js'), host);
    const { status, stdout, stderr } = spawnSync(process.execPath, ['host.js'], {
      cwd: join(folder, 'w'),
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const { good, bad, got } = JSON.parse(stdout);
    expect(good.scores).toHaveLength(6);
    expect(good.answer).toBe(good.scores.indexOf(Math.max(...good.scores)));
    expect(bad).toEqual([400, expect.stringMatching(/has 7 elements; its shape 1×8 has 8/)]);
    expect(got).toBe(405);
  });
});
