import { defineCommand } from '../command.ts';
import { importOptions } from '../importOptions.ts';

export const diff = defineCommand({
  name: 'diff',
  summary: 'compares two models, artifacts or reports',
  usage: 'A B',
  details: [
    'Of two models (.onnx or .qir), or of two graphs that --dump-graph has written beside its pictures (.json): the operations that are added (+), removed (-), or have other types or attributes (~), matched by the names of the layers. Of two artifacts, or of two documents that commands printed with --json: every number and word that differs, and the ratio. Layers are matched by their names.',
  ],
  examples: [
    'qc diff model.onnx folded.qir',
    'qc diff graphs/00-the-model.json graphs/15-quantize.json --dump-graph changes',
    'qc diff model-float model-w8a8',
    'qc diff eval-before.json eval-after.json',
  ],
  arguments: ['A', 'B'],
  options: {
    ...importOptions,
    'dump-graph': { kind: 'text', value: 'DIR', help: 'draw both graphs and what changed, as DOT and SVG' },
  },
  async run([first = '', second = ''], options, terminal) {
    const { diffFiles } = await import('../diffFiles.ts');
    await diffFiles(first, second, options, terminal);
  },
});
