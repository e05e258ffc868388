/** What a choice of layers to keep in float needs of each source of error. */
export interface Blamed {
  /** Noise on the model's output that it alone causes, as a share of the signal's power. */
  readonly share: number;
  /** The layers that must be kept in float for this noise to go away; empty where they have no names. */
  readonly remedy: readonly string[];
}

/**
 * The layers to keep in float so that the least noise is left, while constants grow by `budget` bytes at most: those
 * that cause most come first, and one that does not fit gives way to the next.
 * @param ranked largest share first
 * @param growth how many bytes a layer's constants grow by, by its name
 */
export function suggestWithin(
  ranked: readonly Blamed[],
  growth: ReadonlyMap<string, number>,
  budget: number,
): string[] {
  const kept = new Set<string>();
  let left = budget;
  for (const { share, remedy } of ranked) {
    if (share === 0) break;
    const more = remedy.filter((name) => !kept.has(name));
    const bytes = more.reduce((sum, name) => sum + (growth.get(name) ?? 0), 0);
    if (bytes > left) continue;
    left -= bytes;
    for (const name of more) kept.add(name);
  }
  return [...kept];
}

/** Noise that may remain, as a share of all noise: 6 dB less. */
const remaining = 0.25;

/**
 * The fewest layers to keep in float so that the noise that single sources cause falls to a quarter: those that cause
 * most come first. Empty where the noise comes from so many layers that naming them would mean the whole model.
 * @param ranked largest share first
 */
export function suggestKeptInFloat(ranked: readonly Blamed[]): string[] {
  const total = ranked.reduce((sum, { share }) => sum + share, 0);
  const most = Math.max(3, Math.floor(ranked.length / 10));
  const kept = new Set<string>();
  let left = total;
  for (const { share, remedy } of ranked) {
    if (left <= remaining * total) break;
    if (remedy.length === 0) continue;
    left -= share;
    for (const name of remedy) kept.add(name);
  }
  return kept.size <= most && left <= remaining * total ? [...kept] : [];
}
