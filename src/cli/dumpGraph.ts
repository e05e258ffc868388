import type { Graphviz } from '@hpcc-js/wasm-graphviz';
import { type LayerValues, layerValues, noiseByOp } from '../api/layerNoise.ts';
import type { Dataset } from '../calibrate/data/index.ts';
import { countChanges, diffViews, foldView, type GraphView, toDot, viewOf } from '../graph/index.ts';
import type { Module } from '../ir/index.ts';
import type { Instrument } from '../pass/index.ts';
import { type GraphStep, graphIndex } from './graphIndex.ts';
import { writeFolder } from './outputFolder.ts';

/** Draws @main before the first pass and after every pass that changed it, with what changed; `finish` writes the files. */
export interface GraphDump extends Instrument {
  readonly finish: () => Promise<void>;
}

/** @param data samples: on the first one the error of quantized layers is measured and shown as colour */
export function dumpGraph(folder: string, data: Dataset | undefined): GraphDump {
  const sample = data && data.length > 0 ? data.sample(0) : undefined;
  const steps: { name: string; view: GraphView; changes?: GraphView }[] = [];
  let reference: LayerValues | undefined;

  const draw = (name: string, module: Module) => {
    const snr = sample && reference && !module.hasKernels ? noiseByOp(module, sample, reference) : undefined;
    const view = viewOf(module, name, snr);
    const earlier = steps.at(-1)?.view;
    if (earlier && toDot({ ...earlier, name: '' }) === toDot({ ...view, name: '' })) return;
    steps.push({ name, view, ...(earlier ? { changes: diffViews(earlier, view) } : {}) });
  };

  return {
    before({ pass }, module) {
      if (steps.length === 0) draw('the model', module);
      if (pass.phase === 'quantize' && sample) reference ??= layerValues(module, sample);
    },
    after({ pass }, module) {
      draw(pass.name, module);
    },
    async finish() {
      // heavy: loaded only when graphs are asked for
      const graphviz = await (await import('@hpcc-js/wasm-graphviz')).Graphviz.load();
      const files = new Map<string, Uint8Array>();
      const listed: GraphStep[] = [];
      for (const [i, { name, view, changes }] of steps.entries()) {
        const stem = `${`${i}`.padStart(2, '0')}-${name.replaceAll(/\W+/g, '-')}`;
        writeView(files, graphviz, stem, view);
        if (changes) writeView(files, graphviz, `${stem}.changes`, changes);
        listed.push({ name, stem, nodes: view.nodes.length, changes: changes && countChanges(changes) });
      }
      files.set('index.html', new TextEncoder().encode(graphIndex(listed)));
      writeFolder(folder, files);
    },
  };
}

/** The picture of a view, and one of each group that is folded in it. */
function writeView(files: Map<string, Uint8Array>, graphviz: Graphviz, stem: string, view: GraphView): void {
  const { view: outer, groups } = foldView(view);
  const link = (id: string) => (groups.has(id) ? `${stem}.${id}.svg` : undefined);
  const write = (name: string, dot: string) => {
    files.set(`${name}.dot`, new TextEncoder().encode(dot));
    files.set(`${name}.svg`, new TextEncoder().encode(graphviz.dot(dot)));
  };
  write(stem, toDot(outer, link));
  for (const [id, inside] of groups) write(`${stem}.${id}`, toDot(inside));
}
