import { type LayerValues, layerValues, noiseByOp } from '../api/layerNoise.ts';
import type { Dataset } from '../calibrate/data/index.ts';
import { type GraphView, toDot, viewOf } from '../graph/index.ts';
import type { Module } from '../ir/index.ts';
import type { Instrument } from '../pass/index.ts';
import { writeGraphs } from './graphFolder.ts';

/** Draws @main before the first pass and after every pass that changed it, with what changed; `finish` writes the files. */
export interface GraphDump extends Instrument {
  readonly finish: () => Promise<void>;
}

/** @param data samples: on the first one the error of quantized layers is measured and shown as colour */
export function dumpGraph(folder: string, data: Dataset | undefined): GraphDump {
  const sample = data && data.length > 0 ? data.sample(0) : undefined;
  const views: GraphView[] = [];
  let reference: LayerValues | undefined;

  const draw = (name: string, module: Module) => {
    const snr = sample && reference && !module.hasKernels ? noiseByOp(module, sample, reference) : undefined;
    const view = viewOf(module, name, snr);
    const earlier = views.at(-1);
    if (earlier && toDot({ ...earlier, name: '' }) === toDot({ ...view, name: '' })) return;
    views.push(view);
  };

  return {
    before({ pass }, module) {
      if (views.length === 0) draw('the model', module);
      if (pass.phase === 'quantize' && sample) reference ??= layerValues(module, sample);
    },
    after({ pass }, module) {
      draw(pass.name, module);
    },
    finish: () => writeGraphs(folder, 'Graphs by pass', views),
  };
}
