import { type Figures, limitOf } from './section.ts';
import { markdown, times } from './table.ts';

/** What qc has set itself to reach. */
interface Goal {
  readonly work: string;
  /** The name of a figure. */
  readonly figure: string;
  readonly least: number;
  /** Where it may be missed: what keeps it there, in words; the figure `limitOf` says how far it can get. */
  readonly why?: string;
}

const aroundTiles = 'the limit is the tile of registers with all that it loads, rounds and stores, in the first cache';

export const goals: readonly Goal[] = [
  {
    work: 'int8 matmul 512³, relaxed',
    figure: 'i8 512×512×512, relaxed, over onnxruntime-web',
    least: 3,
    why: aroundTiles,
  },
  {
    work: 'the same, of the peak of its port',
    figure: 'i8 512×512×512, relaxed, of its bound',
    least: 0.9,
    why: `${aroundTiles}. Twelve products in a tile of 6 × 2 registers want eight loads, in the loop of the peak none; a larger tile has no registers, and V8 loads nothing as part of a product. Activations laid out ahead, a register each, save 6 % of the loop and take as long to be laid out`,
  },
  {
    work: 'int8 matmul 512³, baseline',
    figure: 'i8 512×512×512, baseline, over onnxruntime-web',
    least: 1.2,
    why: aroundTiles,
  },
  {
    work: 'f32 matmul 512³, relaxed',
    figure: 'f32 512×512×512, relaxed, over onnxruntime-web',
    least: 1.5,
    why: aroundTiles,
  },
  {
    work: 'f32 matmul 512³, baseline',
    figure: 'f32 512×512×512, baseline, over onnxruntime-web',
    least: 1.2,
    why: aroundTiles,
  },
  { work: 'int8 matvec 4096²', figure: 'i8 1×4096×4096, relaxed, over onnxruntime-web', least: 5 },
  { work: 'the same, of reading alone', figure: 'i8 1×4096×4096, relaxed, of its bound', least: 0.85 },
  {
    work: '4-bit matvec 4096², groups of 32, against onnxruntime-node',
    figure: '4-bit matvec, qc relaxed, over onnxruntime-node',
    least: 1,
    why: 'the limit is the loop over the weights alone (loads, fields, products, a scale a group) or reading them, whichever takes longer: activations are codes already, and nothing is stored',
  },
  {
    work: '4-bit matvec 4096², groups of 32, in Chromium against wllama',
    figure: '4-bit matvec, qc relaxed, over wllama',
    least: 2,
  },
  {
    work: "whole models, w8a8, against onnxruntime-web's best, geometric mean",
    figure: "w8a8 relaxed over onnxruntime-web's best, geometric mean",
    least: 3,
  },
  { work: 'the same, least', figure: "w8a8 relaxed over onnxruntime-web's best, least", least: 1.5 },
  {
    work: 'whole models, float, geometric mean',
    figure: 'float relaxed over onnxruntime-web float, geometric mean',
    least: 1.8,
  },
  {
    work: 'whole models, C w8a8 against onnxruntime-node, geometric mean',
    figure: 'w8a8 C -O3 -march=native over onnxruntime-node float, geometric mean',
    least: 1.2,
  },
  {
    work: 'whole models, C float against onnxruntime-node, geometric mean',
    figure: 'float C -O3 -march=native over onnxruntime-node float, geometric mean',
    least: 1.2,
  },
  { work: 'bytes to first answer, mbnet128', figure: 'mbnet128_0.25_f w8a8: first answer', least: 10 },
  {
    work: 'bytes to ship, mbnet128',
    figure: 'mbnet128_0.25_f w8a8: bytes to ship',
    least: 15,
    why: 'the limit is the gzipped weights alone, with no code at all: 8-bit codes of trained weights are nearly incompressible',
  },
  { work: 'memory of a session, mbnet128', figure: 'mbnet128_0.25_f w8a8: memory', least: 5 },
  { work: 'qc compile, float, 1,000 ops', figure: 'seconds within which 1,000 ops compile, of 3', least: 1 },
  // further ones
  {
    work: '4-bit matvec 4096² in C, against onnxruntime-node',
    figure: '4-bit matvec, qc C -O3 -march=native, over onnxruntime-node',
    least: 1.2,
  },
  {
    work: "the same in C, against llama.cpp's kernels",
    figure: '4-bit matvec, qc C -O3 -march=native, over llama.cpp',
    least: 1,
  },
  {
    work: '2-bit matvec against the 4-bit one',
    figure: '2-bit matvec over 4-bit, qc relaxed',
    least: 1.5,
    why: 'it is not bound by memory: in registers of 128 bits a code of 2 bits takes as many instructions as one of 4, since what is saved in loads is spent on fields. The limit is the loop over the weights alone, or reading them, whichever takes longer',
  },
  {
    work: 'the same in C',
    figure: '2-bit matvec over 4-bit, qc C -O3 -march=native',
    least: 1.5,
    why: 'the limit is reading the weights alone: with scales in f32, groups of 32 have 3 bits a weight beside 5',
  },
  { work: 'W4A8 512³ against int8', figure: 'W4A8 512³ over int8, qc relaxed', least: 0.9 },
  { work: 'the same in C', figure: 'W4A8 512³ over int8, qc C -O3 -march=native', least: 0.9 },
  {
    work: 'W4A8 512³ in groups of 32 against W8A8, both from floats',
    figure: 'W4A8 512³ in groups over W8A8, from floats, qc relaxed',
    least: 0.9,
    why: 'a sum of 32 inputs is eight products of a register; where it begins, its conversion, its scale and its total in memory are 0.7 further instructions for each of them. The limit is the tile with these ends of groups from the first cache, without unpacking, start vectors and stores',
  },
  {
    work: 'the same in C',
    figure: 'W4A8 512³ in groups over W8A8, from floats, qc C -O3 -march=native',
    least: 0.9,
  },
  { work: 'WebGPU, float mbnet128, on the CPU', figure: 'mbnet128_0.25_f, WebGPU float', least: 1 },
  { work: 'WebGPU, float resnet8, on the CPU', figure: 'resnet8_cifar10, WebGPU float', least: 1 },
  {
    work: 'decoding stories260K_kv, tokens a second',
    figure: 'stories260K_kv, qc float, over onnxruntime-web',
    least: 5,
  },
  { work: 'two threads over one, least model', figure: 'two threads over one, least', least: 0.95 },
];

type Reached = 'yes' | 'no: at its limit' | 'no';

function reachedOf(goal: Goal, figures: Figures): Reached | undefined {
  const [found, limit] = [figures[goal.figure], figures[limitOf(goal.figure)]];
  if (!found) return undefined;
  if (found.median >= goal.least) return 'yes';
  return limit && limit.median < goal.least ? 'no: at its limit' : 'no';
}

/** The goals beside what was measured, and what bounds those that are missed; unmeasured ones are left out. */
export function goalTable(figures: Figures): string {
  const measured = goals.flatMap((goal) => {
    const reached = reachedOf(goal, figures);
    return reached ? [{ ...goal, reached }] : [];
  });
  const cell = (name: string) => (figures[name] ? times(figures[name]) : '–');
  const rows = measured.map(({ work, figure, least, reached }) => [
    work,
    `≥ ${least}×`,
    cell(figure),
    cell(limitOf(figure)),
    reached,
  ]);
  const reasons = measured.flatMap(({ work, why, reached }) => (reached !== 'yes' && why ? [`- ${work}: ${why}`] : []));
  const note = 'The limit is the largest ratio that the machine allows, as measured in the same run.';
  return [note, markdown(['work', 'goal', 'reached', 'limit', 'met'], rows), reasons.join('\n')]
    .filter(Boolean)
    .join('\n\n');
}
