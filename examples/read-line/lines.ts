import { drawLine, type Style } from '../drawing/draw.ts';
import type { Picture } from '../drawing/picture.ts';
import { Random } from '../drawing/random.ts';

/** A line of text as the camera saw it. */
export interface Line {
  readonly text: string;
  readonly picture: Picture;
}

/** What the lines say that the compiler chooses ranges with. */
export const calibrationTexts = [
  'Railway station',
  'Open daily 8-17',
  'Good morning',
  'PLATFORM 7',
  'Last train 23.45',
  'Best before May',
  'Total 36.70',
  'Village library',
] as const;

/** What the lines say that are read. */
export const shownTexts = [
  'Hello from 8 bits',
  'Fresh bread today',
  'Garden Street 18',
  'Handle with care',
  'Ticket office',
  'FIRE EXIT',
  'Page 5 of 12',
  'Keep refrigerated',
] as const;

/** Any of the styles that the lines come in. */
function drawStyle(random: Random): Style {
  const size = random.between(26, 40);
  const dark = random.between(0, 70);
  const light = dark + random.between(140, 180);
  const tint = (grey: number) => [grey, grey + random.between(-15, 15), grey + random.between(-15, 15)] as const;
  return {
    size,
    weight: random.between(0.09, 0.14),
    slant: random.chance(0.3) ? random.between(0.05, 0.15) : 0,
    spacing: random.between(2.4, 3.2),
    margin: size * random.between(0.1, 0.25),
    ink: tint(dark),
    paper: tint(light),
    noise: random.pick([0, 6, 12]),
    shade: random.pick([0, 20]),
  };
}

/** Draws every text once, each in a style of its own. The same seed gives the same lines. */
export function drawLines(texts: readonly string[], seed: number): Line[] {
  const random = new Random(seed);
  return texts.map((text) => ({ text, picture: drawLine(text, drawStyle(random), random) }));
}
