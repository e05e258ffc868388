import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gatherReport, type Report } from '../api/report/report.ts';
import { type GraphView, toDot } from '../graph/index.ts';
import type { Sample } from '../pass/index.ts';
import { calibrationChoices } from './calibrationChoices.ts';
import { parseLimits } from './importOptions.ts';
import { loadMeasured, type MeasureArguments } from './measuredModel.ts';
import { checkOutputFile, writeWhole } from './outputFolder.ts';
import { type Pictures, reportPage } from './reportPage.ts';
import { loadScheme } from './schemeFile.ts';
import type { Terminal } from './terminal.ts';

export interface ReportArguments extends MeasureArguments {
  readonly scheme: readonly string[];
  readonly output: string | undefined;
}

/** Samples of --calibrate that are measured on when no --data is given. */
const fallbackSamples = 32;

/** Writes the page that shows a model, what a scheme makes of it, and where its error comes from. */
export async function reportModel(path: string, options: ReportArguments, terminal: Terminal): Promise<void> {
  const output = options.output ?? 'report.html';
  checkOutputFile(output);
  const sources = options.data.length > 0 ? options.data : options.calibrate;
  const limit = options.limit ?? (options.data.length > 0 ? undefined : fallbackSamples);
  const { module, calibration, data } = await loadMeasured(path, { ...options, data: sources }, terminal, { limit });
  const [first, ...beside] = await Promise.all(options.scheme.map(loadScheme));
  const dataset: Sample[] = data ? [...data] : [];
  const report = await gatherReport(module, basename(path), {
    ...calibrationChoices(options),
    limits: parseLimits(options.allow),
    scheme: first,
    beside,
    calibration,
    dataset,
    keepFloat: options['keep-float'],
    report: terminal.note,
  });
  if (terminal.json) terminal.printJson(report);
  writeWhole(
    output,
    reportPage(
      report,
      await drawPictures(report),
      ['d3/dist/d3.min.js', '@observablehq/plot/dist/plot.umd.min.js'].map(libraryText),
    ),
  );
  terminal.note(`wrote ${output}`);
}

async function drawPictures({ graph }: Report): Promise<Pictures> {
  const { Graphviz } = await import('@hpcc-js/wasm-graphviz');
  const graphviz = await Graphviz.load();
  const draw = (view: GraphView) => graphviz.dot(toDot(view)).replace(/^[\s\S]*?(?=<svg)/, '');
  return Object.fromEntries(
    [['main', graph.view] as const, ...Object.entries(graph.groups)].map(([name, view]) => [name, draw(view)]),
  );
}

/** The text of a library's file, as it is installed. */
function libraryText(path: string): string {
  const [scope = '', name = ''] = path.split('/');
  const packageName = scope.startsWith('@') ? `${scope}/${name}` : scope;
  const entry = fileURLToPath(import.meta.resolve(packageName));
  const folder = entry.slice(0, entry.lastIndexOf(`node_modules/${packageName}`) + `node_modules/`.length);
  return readFileSync(`${folder}${path}`, 'utf8');
}
