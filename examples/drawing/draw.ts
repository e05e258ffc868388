import { fontBottom, fontTop, glyphOf, type Segment } from './font.ts';
import type { Picture } from './picture.ts';
import type { Random } from './random.ts';

type Colour = readonly [red: number, green: number, blue: number];

/** How a line is written. */
export interface Style {
  /** Height of a capital, in pixels. */
  readonly size: number;
  /** Thickness of the pen, as a part of `size`. */
  readonly weight: number;
  /** How far a stroke leans to the right for each pixel upwards. */
  readonly slant: number;
  /** Space between letters, in units of the font, which has 10 to a capital. */
  readonly spacing: number;
  /** Paper around the text, in pixels. */
  readonly margin: number;
  readonly ink: Colour;
  readonly paper: Colour;
  /** Largest change of a pixel by noise, 0 to 255. */
  readonly noise: number;
  /** How much darker the right end is than the left, 0 to 255. */
  readonly shade: number;
}

/** Writes a line of text, anti-aliased: a pixel takes the ink by how much of it lies under the pen. */
export function drawLine(text: string, style: Style, random: Random): Picture {
  const scale = style.size / 10;
  const pen = (style.weight * style.size) / 2;
  const { segments, width: textWidth } = layOut(text, style.spacing);
  const lean = (y: number) => style.slant * (fontBottom - y);
  const left = style.margin + pen;
  const top = style.margin + pen;
  const width = Math.ceil(2 * left + scale * (textWidth + lean(fontTop)));
  const height = Math.ceil(2 * top + scale * (fontBottom - fontTop));
  const cover = new Float64Array(width * height);
  for (const [x0, y0, x1, y1] of segments) {
    const from = [left + scale * (x0 + lean(y0)), top + scale * (y0 - fontTop)] as const;
    const to = [left + scale * (x1 + lean(y1)), top + scale * (y1 - fontTop)] as const;
    stroke(cover, width, height, [...from, ...to], pen);
  }
  return colour(cover, width, height, style, random);
}

/** The strokes of a text side by side, and its width, in units of the font. */
function layOut(text: string, spacing: number): { segments: Segment[]; width: number } {
  const segments: Segment[] = [];
  let x = 0;
  for (const letter of text) {
    const glyph = glyphOf(letter);
    for (const [x0, y0, x1, y1] of glyph.segments) segments.push([x + x0, y0, x + x1, y1]);
    x += glyph.width + spacing;
  }
  return { segments, width: Math.max(0, x - spacing) };
}

/** Draws one straight piece with a round pen of radius `pen` into a plane of coverages, 0 to 1. */
function stroke(cover: Float64Array, width: number, height: number, [x0, y0, x1, y1]: Segment, pen: number): void {
  const reach = pen + 1;
  const endX = Math.min(width - 1, Math.ceil(Math.max(x0, x1) + reach));
  const endY = Math.min(height - 1, Math.ceil(Math.max(y0, y1) + reach));
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length2 = dx * dx + dy * dy;
  for (let y = Math.max(0, Math.floor(Math.min(y0, y1) - reach)); y <= endY; y++) {
    for (let x = Math.max(0, Math.floor(Math.min(x0, x1) - reach)); x <= endX; x++) {
      const [px, py] = [x + 0.5 - x0, y + 0.5 - y0];
      const along = length2 === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / length2));
      const [offX, offY] = [px - along * dx, py - along * dy];
      const covered = Math.min(1, Math.max(0, pen + 0.5 - Math.sqrt(offX * offX + offY * offY)));
      const at = y * width + x;
      cover[at] = Math.max(cover[at] as number, covered);
    }
  }
}

function colour(
  cover: Float64Array,
  width: number,
  height: number,
  { ink, paper, noise, shade }: Style,
  random: Random,
): Picture {
  const plane = width * height;
  const data = new Uint8Array(3 * plane);
  for (let at = 0; at < plane; at++) {
    const covered = cover[at] as number;
    const change = random.between(-noise, noise) - (shade * (at % width)) / width;
    for (let channel = 0; channel < 3; channel++) {
      const value = (paper[channel] as number) * (1 - covered) + (ink[channel] as number) * covered + change;
      data[channel * plane + at] = Math.round(Math.min(255, Math.max(0, value)));
    }
  }
  return { width, height, data };
}
