/**
 * How a tensor's elements lie in memory: logical axes from outermost to innermost, and the number of elements
 * to which the innermost axis is padded (1: none). The default, row-major, is no layout at all.
 */
export interface Layout {
  readonly order: readonly number[];
  readonly pad: number;
}

/** Channels innermost: logical NCHW stored as N, H, W, C. */
const aliases: Record<string, readonly number[]> = { nwc: [0, 2, 1], nhwc: [0, 2, 3, 1], ndhwc: [0, 2, 3, 4, 1] };

/** A layout, or undefined where `order` is row-major without padding. */
export function layout(order: readonly number[], pad = 1): Layout | undefined {
  if (pad === 1 && order.every((axis, i) => axis === i)) return undefined;
  return Object.freeze({ order: Object.freeze([...order]), pad });
}

/** Batch first, channels innermost, for a tensor of `rank` axes [N, C, spatial…]. */
export function channelsLast(rank: number): Layout | undefined {
  return layout([0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1]);
}

/** Logical axes from outermost to innermost of a tensor of `rank` axes. */
export function physicalOrder(l: Layout | undefined, rank: number): readonly number[] {
  return l?.order ?? Array.from({ length: rank }, (_, i) => i);
}

export function layoutText(l: Layout): string {
  const name = Object.keys(aliases).find((key) => sameOrder(aliases[key] as readonly number[], l.order));
  const order = name ? `#${name}` : `#order[${l.order.join(', ')}]`;
  return l.pad === 1 ? order : `${order}:${l.pad}`;
}

/** The order that an alias such as `nhwc` names. */
export function layoutAlias(name: string): readonly number[] | undefined {
  return Object.hasOwn(aliases, name) ? aliases[name] : undefined;
}

function sameOrder(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((axis, i) => axis === b[i]);
}
