import { escapeMarkup } from './markup.ts';

/** A frame of a flame graph: a layer, or a module of layers. */
interface Frame {
  readonly name: string;
  value: number;
  readonly children: Map<string, Frame>;
}

/** One measured launch: the path of its name and its time. */
export interface FlameRow {
  readonly layer: string;
  readonly op: string;
  readonly microseconds: number;
}

const width = 1200;
const rowHeight = 18;
/** Frames narrower than this, in pixels, are left out. */
const narrowest = 0.5;
/** Pixels a letter takes at most. */
const letter = 7;

/**
 * A flame graph as SVG: modules of layers above, by the paths in their names (`/layers.0/attn/…`), operations below;
 * a frame is as wide as its share of the time. Layers without paths stand side by side.
 */
export function flameGraph(title: string, rows: readonly FlameRow[]): string {
  const root: Frame = { name: title, value: 0, children: new Map() };
  for (const { layer, op, microseconds } of rows) {
    const path = [...layer.split('/').filter((word) => word !== ''), op];
    let frame = root;
    frame.value += microseconds;
    for (const name of path) {
      const child: Frame = frame.children.get(name) ?? { name, value: 0, children: new Map() };
      frame.children.set(name, child);
      child.value += microseconds;
      frame = child;
    }
  }
  const boxes: string[] = [];
  const depth = draw(root, 0, 0, root.value, boxes);
  const height = (depth + 1) * rowHeight;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="Helvetica, Arial, sans-serif" font-size="11">
${boxes.join('\n')}
</svg>
`;
}

/** Draws a frame and those below it; gives the deepest row. */
function draw(frame: Frame, depth: number, from: number, total: number, boxes: string[]): number {
  const [x, w] = [(width * from) / total, (width * frame.value) / total];
  if (w < narrowest) return depth;
  const share = `${((100 * frame.value) / total).toFixed(1)} %`;
  const text = escapeMarkup(
    frame.name.length * letter > w ? frame.name.slice(0, Math.max(0, Math.floor(w / letter) - 1)) : frame.name,
  );
  const hue = 20 + ((depth * 37) % 40);
  boxes.push(
    `<g><title>${escapeMarkup(frame.name)}: ${frame.value.toFixed(1)} µs, ${share}</title><rect x="${x.toFixed(2)}" y="${depth * rowHeight}" width="${w.toFixed(2)}" height="${rowHeight - 1}" fill="hsl(${hue} 85% ${72 - (depth % 3) * 5}%)" rx="2"/><text x="${(x + 3).toFixed(2)}" y="${depth * rowHeight + 12}">${text}</text></g>`,
  );
  let at = from;
  let deepest = depth;
  for (const child of frame.children.values()) {
    deepest = Math.max(deepest, draw(child, depth + 1, at, total, boxes));
    at += child.value;
  }
  return deepest;
}
