/**
 * Where packed codes lie: an algebra of mixed-radix digits. A digit runs `size` times in steps of `step` along an axis.
 * Tiles follow one another, outermost digit first; a tile holds its planes one after the other; a plane holds some bits
 * of each code, several codes a byte. Packing, unpacking, sizes and the indices of kernels all derive from one layout.
 */

/** `size` turns in steps of `step` along `axis`. */
export interface Digit {
  readonly axis: number;
  readonly size: number;
  readonly step: number;
}

/** `bits` bits of each code, from bit `from` on. */
export interface Plane {
  readonly from: number;
  readonly bits: number;
  /** Bytes of the plane in a tile, outermost digit first. */
  readonly bytes: readonly Digit[];
  /** The codes that share a byte, the first one in the lowest bits: 8/bits turns. */
  readonly fields: Digit;
}

export interface CodeLayout {
  /** Sizes of the axes. Places beyond hold `fill`. */
  readonly shape: readonly number[];
  readonly tiles: readonly Digit[];
  readonly planes: readonly Plane[];
  readonly fill: number;
}

const turns = (digits: readonly Digit[]): number => digits.reduce((n, { size }) => n * size, 1);

/** Bytes of a tile. */
export function tileBytes({ planes }: CodeLayout): number {
  return planes.reduce((n, { bytes }) => n + turns(bytes), 0);
}

export function layoutBytes(layout: CodeLayout): number {
  return turns(layout.tiles) * tileBytes(layout);
}

/** Bytes from one turn of each tile digit to the next. */
export function tileSteps(layout: CodeLayout): number[] {
  const whole = tileBytes(layout);
  return layout.tiles.map((_, i) => turns(layout.tiles.slice(i + 1)) * whole);
}

/** Where each plane of a tile begins. */
export function planeOffsets({ planes }: CodeLayout): number[] {
  return planes.map((_, i) => planes.slice(0, i).reduce((n, { bytes }) => n + turns(bytes), 0));
}

/** Calls `visit` for every byte of every plane, with the places of the codes in it: the axes of the first one. */
function forEachByte(layout: CodeLayout, visit: (byte: number, plane: Plane, at: readonly number[]) => void): void {
  const at = layout.shape.map(() => 0);
  let next = 0;
  const walk = (digits: readonly Digit[], body: () => void): void => {
    const [digit, ...rest] = digits;
    if (!digit) {
      body();
      return;
    }
    const before = at[digit.axis] as number;
    for (let i = 0; i < digit.size; i++) {
      at[digit.axis] = before + i * digit.step;
      walk(rest, body);
    }
    at[digit.axis] = before;
  };
  walk(layout.tiles, () => {
    for (const plane of layout.planes) walk(plane.bytes, () => visit(next++, plane, at));
  });
}

/** The place of field `i` in a byte whose first code is at `at`; undefined beyond the axes. */
function fieldAt({ shape }: CodeLayout, { fields }: Plane, at: readonly number[], i: number): number[] | undefined {
  const place = at.map((v, axis) => (axis === fields.axis ? v + i * fields.step : v));
  return place.every((v, axis) => v < (shape[axis] as number)) ? place : undefined;
}

/** Packed bytes. `codeAt` gives the code at a place within the axes; undefined: the layout's fill. */
export function packCodes(layout: CodeLayout, codeAt: (at: readonly number[]) => number | undefined): Uint8Array {
  const bytes = new Uint8Array(layoutBytes(layout));
  forEachByte(layout, (byte, plane, at) => {
    let value = 0;
    for (let i = 0; i < plane.fields.size; i++) {
      const place = fieldAt(layout, plane, at, i);
      const code = (place && codeAt(place)) ?? layout.fill;
      value |= ((code >> plane.from) & (2 ** plane.bits - 1)) << (i * plane.bits);
    }
    bytes[byte] = value;
  });
  return bytes;
}

/** The codes of packed bytes, in the order of the axes. */
export function unpackCodes(layout: CodeLayout, bytes: ArrayLike<number>): Uint8Array {
  const { shape } = layout;
  const codes = new Uint8Array(shape.reduce((n, d) => n * d, 1));
  forEachByte(layout, (byte, plane, at) => {
    for (let i = 0; i < plane.fields.size; i++) {
      const place = fieldAt(layout, plane, at, i);
      if (!place) continue;
      const index = place.reduce((n, v, axis) => n * (shape[axis] as number) + v, 0);
      const part = ((bytes[byte] as number) >> (i * plane.bits)) & (2 ** plane.bits - 1);
      codes[index] = (codes[index] as number) | (part << plane.from);
    }
  });
  return codes;
}

/** The widths of planes that together hold codes of so many bits, lowest bits first: 6 bits are 4 and 2. */
export function planeWidths(bits: number): number[] {
  return [8, 4, 2, 1].filter((width) => (bits & width) !== 0);
}

/** How a kernel walks weights of [outputs, groups, inputs of a group]. */
export interface PanelSpec {
  readonly columns: number;
  readonly groups: number;
  /** Inputs of a group. */
  readonly depth: number;
  /** Widths of the planes, lowest bits first. */
  readonly planes: readonly number[];
  /** Outputs of a panel. */
  readonly width: number;
  /** A vector holds this many outputs, and of each this many neighbouring inputs in a field. */
  readonly vectorColumns: number;
  readonly vectorDepth: number;
}

/** Inputs that a tile covers: those of one vector of the narrowest plane. */
export function tileDepth({ planes, vectorDepth }: PanelSpec): number {
  return (8 / Math.min(...planes)) * vectorDepth;
}

/** Panels of outputs; in each the groups, in each the tiles along the inputs, in each the units of `vectorColumns`. */
export function panelLayout(spec: PanelSpec): CodeLayout {
  const { columns, groups, depth, planes, width, vectorColumns, vectorDepth } = spec;
  const tile = tileDepth(spec);
  const digit = (axis: number, size: number, step: number): Digit => ({ axis, size, step });
  return {
    shape: [columns, groups, depth],
    tiles: [
      digit(0, Math.ceil(columns / width), width),
      digit(1, groups, 1),
      digit(2, Math.ceil(depth / tile), tile),
      digit(0, width / vectorColumns, vectorColumns),
    ],
    planes: planes.map((bits, i) => {
      const covered = (8 / bits) * vectorDepth;
      return {
        from: planes.slice(0, i).reduce((a, b) => a + b, 0),
        bits,
        bytes: [digit(2, tile / covered, covered), digit(0, vectorColumns, 1), digit(2, vectorDepth, 1)],
        fields: digit(2, 8 / bits, vectorDepth),
      };
    }),
    fill: 0,
  };
}

/** Codes one after the other: tiles of eight vectors of `lanes`, whose planes hold as many bytes a vector as codes. */
export function flatLayout(count: number, bits: number, lanes: number): CodeLayout {
  const digit = (size: number, step: number): Digit => ({ axis: 0, size, step });
  const planes = planeWidths(bits);
  return {
    shape: [count],
    tiles: [digit(Math.ceil(count / (8 * lanes)), 8 * lanes)],
    planes: planes.map((width, i) => ({
      from: planes.slice(0, i).reduce((a, b) => a + b, 0),
      bits: width,
      bytes: [digit(width, lanes), digit(lanes, 1)],
      fields: digit(8 / width, width * lanes),
    })),
    fill: 0,
  };
}

/** The fewest bits, of two's complement, that hold all codes; at least 1. */
export function codeBits(codes: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] as number;
    most = Math.max(most, code < 0 ? ~code : code);
  }
  return 33 - Math.clz32(most);
}
