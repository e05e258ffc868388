import { drawLine, type Style } from '../drawing/draw.ts';
import { type Picture, turned } from '../drawing/picture.ts';
import { Random } from '../drawing/random.ts';

/** A line of text as the camera saw it. */
export interface Line {
  readonly text: string;
  readonly picture: Picture;
  /** 0 or 180 degrees. */
  readonly angle: 0 | 180;
}

/** What the lines say that the compiler chooses ranges with. */
export const calibrationTexts = [
  'Railway station',
  'Open daily',
  'Good morning',
  'Platform 7',
  'Please ring',
  'Room 214',
  'Last train 23.45',
  'Best before May',
  'Total 36.70',
  'Quick brown fox',
  'Village library',
  'Invoice 4091',
  'LUGGAGE',
  'DANGER',
] as const;

/** What the lines say whose angle is asked for. */
export const shownTexts = [
  'Mind the gap',
  'Zebra crossing',
  'Fresh bread',
  'Garden Street 18',
  'ENTRANCE',
  'Two eggs, milk',
  'Handle with care',
  'Page 5 of 12',
  'Ticket office',
  'Fire exit',
  'Printed matter',
  'Water, salt, yeast',
  'Keep refrigerated',
  'Jump over dogs',
  'Early departure',
  'Bicycle repair',
  'Next customer',
  'Paper and ink',
] as const;

/** Any of the styles that the lines come in. */
function drawStyle(random: Random): Style {
  const size = random.between(16, 44);
  const dark = random.between(0, 90);
  const light = dark + random.between(110, 165);
  const tint = (grey: number) => [grey, grey + random.between(-18, 18), grey + random.between(-18, 18)] as const;
  const inverted = random.chance(0.25);
  return {
    size,
    weight: random.between(0.09, 0.2),
    slant: random.chance(0.3) ? random.between(0.1, 0.25) : 0,
    spacing: random.between(2.2, 3.6),
    margin: size * random.between(0.05, 0.3),
    ink: tint(inverted ? light : dark),
    paper: tint(inverted ? dark : light),
    noise: random.pick([0, 8, 20]),
    shade: random.pick([0, 0, 30]),
  };
}

/**
 * Draws `count` lines, saying each of `texts` in turn, every one in a style of its own and both ways up: first the
 * right way, then upside down. The same seed gives the same lines.
 */
export function drawLines(texts: readonly string[], count: number, seed: number): Line[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, index) => texts[index % texts.length] as string).flatMap((text): Line[] => {
    const picture = drawLine(text, drawStyle(random), random);
    return [
      { text, picture, angle: 0 },
      { text, picture: turned(picture), angle: 180 },
    ];
  });
}
