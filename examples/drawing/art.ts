import { type Picture, resized } from './picture.ts';

/** Bits of a Braille character for its dots, row by row, left before right. */
const dotBits = [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80];
const [dotsAcross, dotsDown] = [2, 4];
const blank = '\u2800';

/** A line of text as terminal art: Braille characters, at most `columns` of them across, whose dots are the ink. */
export function pictureArt(picture: Picture, columns: number): string[] {
  const width = Math.min(picture.width, columns * dotsAcross);
  const height = Math.max(dotsDown, Math.round((picture.height * width) / picture.width));
  const ink = inkOf(resized(picture, width, height));
  const character = (column: number, row: number): string => {
    const bits = dotBits.filter((_, dot) => {
      const x = column * dotsAcross + (dot % dotsAcross);
      const y = row * dotsDown + Math.floor(dot / dotsAcross);
      return x < width && y < height && ink[y * width + x];
    });
    return String.fromCodePoint(blank.codePointAt(0)! + bits.reduce((all, bit) => all + bit, 0));
  };
  return Array.from({ length: Math.ceil(height / dotsDown) }, (_, row) =>
    Array.from({ length: Math.ceil(width / dotsAcross) }, (_, column) => character(column, row)).join(''),
  ).filter((row) => row.replaceAll(blank, '') !== '');
}

/** Which pixels are ink: the rarer side of the middle between the darkest and the lightest pixel. */
function inkOf({ width, height, data }: Picture): boolean[] {
  const red = data.subarray(0, width * height);
  const [darkest, lightest] = red.reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [255, 0]);
  const middle = (darkest + lightest) / 2;
  const dark = Array.from(red, (value) => value < middle);
  const inkIsDark = 2 * dark.filter(Boolean).length < dark.length;
  return dark.map((isDark) => isDark === inkIsDark);
}
