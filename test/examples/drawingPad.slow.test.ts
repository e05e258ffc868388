import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { browserPath, withPage } from '../browser.ts';
import { workplace } from '../cli/workplace.ts';
import { root } from '../source-files.ts';

const shared = resolve('../shared');
const missing = [...(existsSync(shared) ? [] : ['../shared']), ...(browserPath ? [] : ['Chromium'])];
const example = join(root, 'examples/drawing-pad');
const { qc, folder } = workplace({});

/** Draws with the mouse: lines between points, in shares of the pad. */
async function draw(page: Page, points: readonly (readonly [number, number])[]): Promise<void> {
  const box = (await page.locator('#pad').boundingBox()) as { x: number; y: number; width: number; height: number };
  const move = ([x, y]: readonly [number, number], steps: number) =>
    page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps });
  await move(points[0] as readonly [number, number], 1);
  await page.mouse.down();
  for (const point of points.slice(1)) await move(point, 8);
  await page.mouse.up();
}

const strokes = {
  '1': [
    [0.5, 0.2],
    [0.5, 0.8],
  ],
  '7': [
    [0.28, 0.25],
    [0.72, 0.25],
    [0.45, 0.82],
  ],
} as const;

describe.skipIf(missing.length > 0)(
  `the drawing pad${missing.length > 0 ? ` (needs ${missing.join(', ')})` : ''}`,
  () => {
    beforeAll(() => {
      const data = ['--calibrate', `${shared}/data/mnist/calib_images.npy`, '--input-format', 'input:u8,scale=1/255'];
      const options = ['--target', 'wasm,wgsl', '--scheme', 'w8a8', ...data, '--limit', '64', '--name', 'model'];
      const { code, err } = qc('compile', `${shared}/models/mnist_resnet_f.onnx`, ...options, '-o', 'site');
      expect(code, err).toBe(0);
    }, 120_000);

    it('reads what is drawn, in WebAssembly and in WebGPU', { timeout: 180_000 }, async () => {
      const site = (path: string) => {
        const file = [join(folder, 'site', path), join(example, path)].find((one) => existsSync(one));
        return file && readFileSync(file);
      };
      const read = await withPage(site, async (page) => {
        await page.waitForSelector('[data-ready]', { timeout: 120_000 });
        const answers: Record<string, string> = {};
        for (const [digit, points] of Object.entries(strokes)) {
          await page.locator('#targets').evaluate((line) => line.replaceChildren());
          await draw(page, points);
          await page.waitForFunction("document.getElementById('targets').textContent !== ''", undefined, {
            timeout: 60_000,
          });
          expect(await page.locator('#scores li').count()).toBe(10);
          expect(await page.locator('#answer').textContent()).toBe(digit);
          answers[digit] = (await page.locator('#targets').textContent()) ?? '';
          await page.locator('#clear').click();
          expect(await page.locator('#answer').textContent()).toBe('–');
        }
        return answers;
      });
      for (const [digit, said] of Object.entries(read)) {
        expect(said).toMatch(new RegExp(`^wasm: ${digit} in [\\d.]+ ms · WebGPU: ${digit} in [\\d.]+ ms$`));
      }
    });
  },
);
