/** A colour picture: red, green and blue planes one after another, rows from the top, 0 (dark) to 255. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** The picture upside down. */
export function turned({ width, height, data }: Picture): Picture {
  const plane = width * height;
  const result = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at++) {
    const channel = Math.floor(at / plane);
    result[at] = data[channel * plane + (plane - 1 - (at - channel * plane))] as number;
  }
  return { width, height, data: result };
}

/** A picture in another size, each new pixel mixed from the four nearest old ones. */
export function resized(picture: Picture, width: number, height: number): Picture {
  const plane = picture.width * picture.height;
  const columns = samplePoints(picture.width, width);
  const rows = samplePoints(picture.height, height);
  const data = new Uint8Array(3 * width * height);
  let at = 0;
  for (let channel = 0; channel < 3; channel++) {
    const pixel = (x: number, y: number) => picture.data[channel * plane + y * picture.width + x] as number;
    for (const [y0, y1, down] of rows) {
      for (const [x0, x1, right] of columns) {
        const top = pixel(x0, y0) * (1 - right) + pixel(x1, y0) * right;
        const bottom = pixel(x0, y1) * (1 - right) + pixel(x1, y1) * right;
        data[at++] = Math.round(top * (1 - down) + bottom * down);
      }
    }
  }
  return { width, height, data };
}

/** For each new pixel: the two old ones around its centre, and how far it is towards the second. */
function samplePoints(from: number, to: number): [number, number, number][] {
  return Array.from({ length: to }, (_, index) => {
    const centre = Math.min(Math.max(((index + 0.5) * from) / to - 0.5, 0), from - 1);
    const first = Math.floor(centre);
    return [first, Math.min(first + 1, from - 1), centre - first];
  });
}
