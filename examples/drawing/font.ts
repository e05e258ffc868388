/**
 * A stroke font: the paths that a pen takes. Capitals reach from y = 0 to the baseline at 10, lower case from 4, tails
 * down to 13. `M` lifts the pen, `L` draws a straight line, `Q` a quadratic Bézier curve (control point, end point).
 */
const bowl = 'M6 6Q6 4 3 4Q0 4 0 7Q0 10 3 10Q6 10 6 8';
const arch = 'M0 6.5Q0 4 3 4Q6 4 6 6.5L6 10';

const paths: Readonly<Record<string, string>> = {
  a: `${bowl}M6 4L6 10`,
  b: 'M0 0L0 10M0 6Q0 4 3 4Q6 4 6 7Q6 10 3 10Q0 10 0 8',
  c: 'M5.6 5Q5 4 3 4Q0 4 0 7Q0 10 3 10Q5 10 5.6 9',
  d: `${bowl}M6 0L6 10`,
  e: 'M0 7L6 7Q6 4 3 4Q0 4 0 7Q0 10 3 10Q5 10 5.8 9',
  f: 'M4.4 0.3Q1.8 -0.6 1.8 2L1.8 10M0 4L4 4',
  g: `${bowl}M6 4L6 11Q6 13 3 13Q1 13 0.3 12.2`,
  h: `M0 0L0 10${arch}`,
  i: 'M0.6 4L0.6 10M0.6 1.4L0.6 1.7',
  j: 'M2 4L2 11.5Q2 13 0 13M2 1.4L2 1.7',
  k: 'M0 0L0 10M5.2 4L0 7.8M2 6.4L5.6 10',
  l: 'M0.6 0L0.6 8.5Q0.6 10 2 10',
  m: 'M0 4L0 10M0 6.2Q0 4 2.4 4Q4.6 4 4.6 6.2L4.6 10M4.6 6.2Q4.6 4 7 4Q9.2 4 9.2 6.2L9.2 10',
  n: `M0 4L0 10${arch}`,
  o: 'M3 4Q6 4 6 7Q6 10 3 10Q0 10 0 7Q0 4 3 4',
  p: 'M0 4L0 13M0 6Q0 4 3 4Q6 4 6 7Q6 10 3 10Q0 10 0 8',
  q: `${bowl}M6 4L6 13`,
  r: 'M0 4L0 10M0 6.5Q0.4 4 3.6 4.2',
  s: 'M5.4 5Q4.6 4 2.9 4Q0.3 4 0.3 5.5Q0.3 6.7 3 7Q5.7 7.3 5.7 8.5Q5.7 10 3 10Q1 10 0 8.9',
  t: 'M1.6 1.4L1.6 8.4Q1.6 10 3.2 10L4.2 9.8M0 4L4 4',
  u: 'M0 4L0 7.5Q0 10 3 10Q6 10 6 7.5M6 4L6 10',
  v: 'M0 4L3 10L6 4',
  w: 'M0 4L2.2 10L4.6 4.6L7 10L9.2 4',
  x: 'M0 4L5.6 10M5.6 4L0 10',
  y: 'M0 4L3.1 10M6 4L2.6 11.2Q1.8 13 0 13',
  z: 'M0.2 4L5.4 4L0 10L5.6 10',
  A: 'M0 10L4 0L8 10M1.4 6.6L6.6 6.6',
  B: 'M0 0L0 10L4 10Q7 10 7 7.4Q7 4.8 4 4.8L0 4.8M4 4.8Q6.4 4.8 6.4 2.4Q6.4 0 4 0L0 0',
  C: 'M7.6 1.8Q6.6 0 4.2 0Q0 0 0 5Q0 10 4.2 10Q6.6 10 7.6 8.2',
  D: 'M0 0L0 10L3 10Q7.4 10 7.4 5Q7.4 0 3 0L0 0',
  E: 'M6 0L0 0L0 10L6.2 10M0 4.8L5.2 4.8',
  F: 'M6 0L0 0L0 10M0 4.8L5.2 4.8',
  G: 'M7.6 1.8Q6.6 0 4.2 0Q0 0 0 5Q0 10 4.2 10Q7.8 10 7.8 5.6L4.6 5.6',
  H: 'M0 0L0 10M7 0L7 10M0 4.8L7 4.8',
  I: 'M0.6 0L0.6 10',
  J: 'M4.6 0L4.6 7Q4.6 10 2.2 10Q0 10 0 7.6',
  K: 'M0 0L0 10M6.6 0L0 6M2.4 3.9L7 10',
  L: 'M0 0L0 10L5.8 10',
  M: 'M0 10L0 0L4.4 7L8.8 0L8.8 10',
  N: 'M0 10L0 0L7 10L7 0',
  O: 'M4.2 0Q8.4 0 8.4 5Q8.4 10 4.2 10Q0 10 0 5Q0 0 4.2 0',
  P: 'M0 10L0 0L4 0Q6.8 0 6.8 2.8Q6.8 5.6 4 5.6L0 5.6',
  Q: 'M4.2 0Q8.4 0 8.4 5Q8.4 10 4.2 10Q0 10 0 5Q0 0 4.2 0M5 7.4L8.4 11',
  R: 'M0 10L0 0L4 0Q6.8 0 6.8 2.7Q6.8 5.4 4 5.4L0 5.4M3.8 5.4L7 10',
  S: 'M6.4 1.6Q5.4 0 3.4 0Q0.3 0 0.3 2.4Q0.3 4.4 3.4 4.9Q6.8 5.4 6.8 7.5Q6.8 10 3.4 10Q1 10 0 8.2',
  T: 'M0 0L7.4 0M3.7 0L3.7 10',
  U: 'M0 0L0 6.4Q0 10 3.5 10Q7 10 7 6.4L7 0',
  V: 'M0 0L3.9 10L7.8 0',
  W: 'M0 0L2.6 10L5.4 1.6L8.2 10L10.8 0',
  X: 'M0 0L7 10M7 0L0 10',
  Y: 'M0 0L3.6 5L7.2 0M3.6 5L3.6 10',
  Z: 'M0.2 0L6.8 0L0 10L7 10',
  '0': 'M3 0Q6 0 6 5Q6 10 3 10Q0 10 0 5Q0 0 3 0',
  '1': 'M0 2.2L2.4 0L2.4 10',
  '2': 'M0.2 2.6Q0.4 0 3 0Q5.8 0 5.8 2.7Q5.8 4.6 3.4 6.8L0 10L6 10',
  '3': 'M0.3 1.6Q1.2 0 3 0Q5.6 0 5.6 2.4Q5.6 4.7 2.4 4.7Q6 4.7 6 7.3Q6 10 3 10Q0.8 10 0 8.2',
  '4': 'M4.6 10L4.6 0L0 6.9L6.4 6.9',
  '5': 'M5.4 0L1 0L0.6 4.4Q1.6 3.7 3 3.7Q6 3.7 6 6.8Q6 10 2.8 10Q0.8 10 0 8.4',
  '6': 'M5 0.2Q0.2 1.4 0.2 6.8Q0.2 10 3.1 10Q6 10 6 7Q6 4.2 3.2 4.2Q0.8 4.2 0.3 6.6',
  '7': 'M0 0L6 0Q3 4 2.4 10',
  '8': 'M3 0Q5.6 0 5.6 2.3Q5.6 4.6 3 4.6Q0.4 4.6 0.4 2.3Q0.4 0 3 0M3 4.6Q6 4.6 6 7.3Q6 10 3 10Q0 10 0 7.3Q0 4.6 3 4.6',
  '9': 'M5.7 3.4Q5.2 5.8 2.8 5.8Q0 5.8 0 3Q0 0 2.9 0Q5.8 0 5.8 3.2Q5.8 8.6 1 9.8',
  '.': 'M0.4 9.7L0.4 10',
  ',': 'M0.8 9.6L0.8 10L0 11.8',
  '!': 'M0.6 0L0.6 6.8M0.6 9.7L0.6 10',
  '-': 'M0 6.4L3.4 6.4',
  ' ': '',
};

/** Top of the tallest and bottom of the deepest stroke, in units of the font. */
export const fontTop = 0;
export const fontBottom = 13;

/** A straight piece of a stroke: x and y of both ends. */
export type Segment = readonly [x0: number, y0: number, x1: number, y1: number];

export interface Glyph {
  readonly segments: readonly Segment[];
  readonly width: number;
}

const piecesPerCurve = 8;
const spaceWidth = 3;

/** The strokes of a path as straight pieces. */
function flatten(path: string): Segment[] {
  const segments: Segment[] = [];
  let x = 0;
  let y = 0;
  for (const [, command, numbers = ''] of path.matchAll(/([MLQ])([^MLQ]*)/g)) {
    const [a = 0, b = 0, c = a, d = b] = numbers.trim().split(/\s+/).map(Number);
    const [fromX, fromY] = [x, y];
    const pieces = command === 'M' ? 0 : command === 'L' ? 1 : piecesPerCurve;
    for (let piece = 1; piece <= pieces; piece++) {
      const t = piece / pieces;
      // A straight line is the curve whose control point is its end: (1 − (1 − t)²) is 1 at t = 1.
      const toX = (1 - t) * (1 - t) * fromX + 2 * t * (1 - t) * a + t * t * c;
      const toY = (1 - t) * (1 - t) * fromY + 2 * t * (1 - t) * b + t * t * d;
      segments.push([x, y, toX, toY]);
      [x, y] = [toX, toY];
    }
    [x, y] = [c, d];
  }
  return segments;
}

function makeGlyph(path: string): Glyph {
  const segments = flatten(path);
  return { segments, width: segments.reduce((width, [x0, , x1]) => Math.max(width, x0, x1), 0) || spaceWidth };
}

const glyphs = new Map(Object.entries(paths).map(([letter, path]) => [letter, makeGlyph(path)]));

/** The strokes of a letter; throws for one that the font lacks. */
export function glyphOf(letter: string): Glyph {
  const glyph = glyphs.get(letter);
  if (!glyph) throw new Error(`the font has no '${letter}'`);
  return glyph;
}
