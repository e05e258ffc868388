import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { writeNpy } from '../../src/calibrate/data/index.ts';
import { browserPath } from '../browser.ts';
import { root } from '../source-files.ts';
import { samples, tinyModel } from './models.ts';
import { workplace } from './workplace.ts';

const { qc, folder } = workplace({ 'tiny.onnx': tinyModel(), 'samples.npy': writeNpy(samples) });
const page = join(folder, 'report.html');

describe('qc report', { timeout: 120_000 }, () => {
  it('writes one file that asks nothing of the network', () => {
    const { code, err } = qc('report', 'tiny.onnx', '--scheme', 'w8a8', '--calibrate', 'samples.npy');
    expect({ code, err: err.split('\n').at(-2) }).toEqual({ code: 0, err: 'wrote report.html' });
    const text = readFileSync(page, 'utf8');
    expect(text).not.toMatch(/(?:src|href)="?https?:/);
    expect(text).toContain('<template id="graph-main">');
  });

  it.skipIf(!browserPath)(
    `opens in a browser without an error, and layers can be chosen${browserPath ? '' : ' (no Chromium here)'}`,
    async () => {
      const browser = await chromium.launch({
        executablePath: browserPath as string,
        args: ['--no-sandbox', '--disable-gpu'],
      });
      try {
        for (const colorScheme of ['light', 'dark'] as const) {
          const view = await browser.newPage({ colorScheme });
          const complaints: string[] = [];
          view.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
          view.on('pageerror', (error) => complaints.push(error.message));
          await view.goto(`file://${page}`);
          expect(await view.locator('#graph g.node').count()).toBe(5);
          expect(await view.locator('#layers tbody tr').count()).toBe(3);
          expect(await view.locator('#memory svg rect').count()).toBeGreaterThan(0);
          expect(await view.locator('#time svg rect').count()).toBeGreaterThan(0);

          await view.locator('#graph g.node[data-layer="second"]').click();
          expect(await view.locator('#layer h2').textContent()).toBe('second');
          expect(await view.locator('#layer figure').count()).toBe(3);
          expect(await view.locator('#layers tr.chosen td').first().textContent()).toBe('second');

          // by the keyboard: to a row, on to the next one, and choose it
          await view.locator('#layers tbody tr').first().focus();
          await view.keyboard.press('ArrowDown');
          await view.keyboard.press('Enter');
          expect(await view.locator('#layer h2').textContent()).toBe('activation');

          await view.keyboard.press('/');
          await view.keyboard.type('second');
          expect(await view.locator('#layers tbody tr:visible').count()).toBe(1);
          await view.keyboard.press('Enter');
          expect(await view.locator('#layer h2').textContent()).toBe('second');
          // the colours of the graph have their scale, and one that fits the page
          expect(await view.locator('.legend span').count()).toBe(5);
          const filter = await view.locator('#graph svg').evaluate((svg) => getComputedStyle(svg).filter);
          expect(filter.startsWith('invert')).toBe(colorScheme === 'dark');
          expect(await view.locator('#layers th').count()).toBe(8);
          expect(complaints).toEqual([]);
          await view.close();
        }
      } finally {
        await browser.close();
      }
    },
  );
});

const models = join(root, '../shared/models');
const large = [
  ['resnet8_cifar10', []],
  ['rxnmapper_albert', ['--dim', 'T=64']],
  ['yolox_nano_416', []],
] as const;

describe.skipIf(!existsSync(models) || !browserPath)(
  `reports and pictures of real models${existsSync(models) ? '' : ' (no shared models here)'}${browserPath ? '' : ' (no Chromium here)'}`,
  { timeout: 300_000 },
  () => {
    it.each(large)(
      '%s opens within two seconds, folded parts open, and the pictures of passes are whole',
      async (name, dims) => {
        const model = join(models, `${name}.onnx`);
        expect(qc('report', model, ...dims, '-o', `${name}.html`).code).toBe(0);
        expect(
          qc('compile', model, ...dims, '--target', 'wasm', '-o', name, '--dump-graph', `${name}-graphs`).code,
        ).toBe(0);
        const browser = await chromium.launch({
          executablePath: browserPath as string,
          args: ['--no-sandbox', '--disable-gpu'],
        });
        try {
          const view = await browser.newPage();
          const complaints: string[] = [];
          view.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
          view.on('pageerror', (error) => complaints.push(error.message));
          await view.goto(`file://${join(folder, `${name}.html`)}`);
          const paint = await view.evaluate(
            () => performance.getEntriesByType('paint').find((one) => one.name === 'first-contentful-paint')?.startTime,
          );
          expect(paint).toBeLessThan(2000);
          const folded = view.locator('#graph g.node[aria-label^="open "]').first();
          if (name !== 'resnet8_cifar10') {
            await folded.focus();
            await view.keyboard.press('Enter');
            expect(await view.locator('#back').isVisible()).toBe(true);
            await view.keyboard.press('Escape');
            expect(await view.locator('#back').isVisible()).toBe(false);
          }
          await view.locator('#graph g.node').last().focus();
          await view.keyboard.press('Enter');
          expect(await view.locator('#layer h2').count()).toBe(1);
          // a layer of the table is shown in the middle of its picture, and where the page is
          await view.locator('#layers tbody tr').last().click();
          const [node, pane] = await Promise.all(
            ['#graph g.chosen', '#graph'].map((place) => view.locator(place).first().boundingBox()),
          );
          if (!node || !pane) throw new Error('the chosen layer is not drawn');
          expect(Math.abs(node.y + node.height / 2 - (pane.y + pane.height / 2))).toBeLessThan(2);
          expect(Math.abs(node.x + node.width / 2 - (pane.x + pane.width / 2))).toBeLessThan(2);
          expect((await view.locator('#layer h2').boundingBox())?.y).toBeGreaterThan(0);
          await view.goto(`file://${join(folder, `${name}-graphs/index.html`)}`);
          expect(await view.locator('nav li').count()).toBeGreaterThan(5);
          const picture = view.frameLocator('iframe[name=graph]').locator('svg g.node');
          expect(await picture.count()).toBeGreaterThan(10);
          if (name !== 'resnet8_cifar10') {
            const opened = view.waitForEvent('framenavigated');
            await view.frameLocator('iframe[name=graph]').locator('a[*|href]').first().click();
            expect((await opened).url()).toMatch(/00-the-model\.group0\.svg$/);
          }
          const changes = view.locator('nav li a[title="what changed"]').first();
          const shown = view.waitForEvent('framenavigated');
          await changes.click();
          expect((await shown).url()).toMatch(/\.changes\.svg$/);
          expect(complaints).toEqual([]);
        } finally {
          await browser.close();
        }
      },
    );
  },
);
