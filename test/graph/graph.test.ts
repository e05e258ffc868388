import { Graphviz } from '@hpcc-js/wasm-graphviz';
import { describe, expect, it } from 'vitest';
import { countChanges, diffViews, foldView, type GraphView, toDot, viewOf } from '../../src/graph/index.ts';
import { importOnnx, runPipeline } from '../../src/index.ts';
import { tinyModel } from '../cli/models.ts';

const graphviz = await Graphviz.load();

/** A chain of ops below paths: `block3/conv5`. */
function chain(count: number, path: (i: number) => string): GraphView {
  const nodes = Array.from({ length: count }, (_, i) => ({
    id: `op${i}`,
    kind: 'op' as const,
    label: 'nn.conv',
    source: path(i),
    details: [],
  }));
  const edges = nodes.slice(1).map(({ id }, i) => ({ from: `op${i}`, to: id, label: '1×8 f32' }));
  return { name: 'chain', nodes, edges };
}

describe('the picture of a graph', () => {
  it('shows ops as nodes, with names of the model, and values as edges with their types', () => {
    const view = viewOf(importOnnx(tinyModel()), 'tiny');
    expect(view.nodes.map(({ kind, label, source }) => `${kind} ${label} ${source}`)).toEqual([
      'input image image',
      'op nn.conv first',
      'op nn.clamp activation',
      'op nn.conv second',
      'output scores scores',
    ]);
    expect(view.edges.map(({ from, to, label }) => `${from}→${to} ${label}`)).toEqual([
      'input0→op0 N×2×6×6 f32',
      'op0→op1 N×4×6×6 f32',
      'op1→op2 N×4×6×6 f32',
      'op2→output0 N×3×3×3 f32',
    ]);
    expect(view.nodes[1]?.details).toContain('w: 4×2×3×3 f32');
  });

  it('is a digraph that Graphviz draws, whatever the names', () => {
    const hostile = 'a"]; b -> c; "\\n<b>\\';
    const module = importOnnx(
      tinyModel((nodes) => nodes.map((node, i) => (i === 1 ? { ...node, name: hostile } : node))),
    );
    const dot = toDot(viewOf(module, hostile));
    const svg = graphviz.dot(dot);
    expect(svg.match(/<g id="node/g)).toHaveLength(5);
    expect(svg.match(/<g id="edge/g)).toHaveLength(4);
    expect(svg).toContain('a&quot;]; b &#45;&gt; c; &quot;');
  });

  it('colours nodes by their error', () => {
    const module = importOnnx(tinyModel());
    const [first, relu] = [...module.main.body.ops()].filter((op) => op.operands.length > 0);
    const snr = new Map([first, relu].flatMap((op, i) => (op ? [[op, i === 0 ? 45 : 5] as const] : [])));
    const dot = toDot(viewOf(module, 'tiny', snr));
    expect(dot).toMatch(/op0 \[label = "nn.conv\\nfirst\\n45.0 dB".*fillcolor = "#c9e7c9"/);
    expect(dot).toMatch(/op1 \[label = "nn.clamp\\nactivation\\n5.0 dB".*fillcolor = "#f2a6a0"/);
  });
});

describe('folding', () => {
  it('leaves small graphs alone', () => {
    const view = chain(60, (i) => `block${i}/conv`);
    expect(foldView(view)).toEqual({ view, groups: new Map() });
  });

  it('groups by the path of names, and each group opens', () => {
    const { view, groups } = foldView(chain(120, (i) => `net/block${Math.floor(i / 12)}/conv${i}`));
    expect(view.nodes.map(({ source }) => source)).toEqual(Array.from({ length: 10 }, (_, i) => `net/block${i}`));
    expect(view.nodes[0]?.label).toBe('12 nn.conv');
    expect(view.edges).toHaveLength(9);
    const inside = groups.get('group3');
    expect(inside?.nodes.filter(({ kind }) => kind === 'op')).toHaveLength(12);
    // the group's neighbours on both sides are shown as its inputs
    expect(inside?.nodes).toHaveLength(14);
  });

  it('groups by stretches where names have no paths', () => {
    const { view, groups } = foldView(chain(100, (i) => `Conv_${i}`));
    expect(view.nodes).toHaveLength(10);
    expect(view.nodes[0]?.source).toBe('Conv_0 … Conv_9 (1)');
    expect([...groups.values()].flatMap(({ nodes }) => nodes.filter(({ kind }) => kind === 'op'))).toHaveLength(100);
  });
});

describe('the difference of two graphs', () => {
  it('is nothing for equal ones', () => {
    const view = viewOf(importOnnx(tinyModel()), 'tiny');
    expect(countChanges(diffViews(view, view))).toEqual({ same: 5, added: 0, removed: 0, changed: 0 });
  });

  it('shows what a pass fuses', async () => {
    const module = importOnnx(tinyModel());
    await runPipeline(module, 'bind-dims');
    const before = viewOf(module, 'before');
    await runPipeline(module, 'fuse-clamp');
    const changes = diffViews(before, viewOf(module, 'after'));
    const named = changes.nodes.map(({ change, label }) => `${change} ${label}`);
    expect(named).toContain('removed nn.clamp');
    expect(named).toContain('changed nn.conv');
    expect(countChanges(changes)).toEqual({ same: 3, added: 0, removed: 1, changed: 1 });
  });
});
