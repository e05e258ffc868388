/** An object on a picture: its class and its edges in pixels. */
export interface Box {
  readonly kind: number;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface Detection extends Box {
  readonly score: number;
}

/** Detections of a picture that are told apart by score, class by class: those that overlap a better one are dropped. */
export function suppressed(detections: readonly Detection[], overlap: number, most: number): Detection[] {
  const kept: Detection[] = [];
  for (const one of detections.toSorted((a, b) => b.score - a.score)) {
    if (kept.some((other) => other.kind === one.kind && intersectionOverUnion(one, other) > overlap)) continue;
    kept.push(one);
    if (kept.length === most) break;
  }
  return kept;
}

function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const area = (box: Box) => (box.right - box.left) * (box.bottom - box.top);
  return (width * height) / (area(a) + area(b) - width * height);
}

/**
 * What a picture contributes to the average precision: three numbers an entry. [class, −1, count] says how many objects
 * there are, [class, score, hit] whether a detection is one of them: in the order of scores each takes the object that it
 * overlaps most, at least by `overlap`, among those that are left.
 */
export function matches(detections: readonly Detection[], truths: readonly Box[], overlap: number): number[] {
  const counts = Map.groupBy(truths, ({ kind }) => kind);
  const entries = [...counts].flatMap(([kind, boxes]) => [kind, -1, boxes.length]);
  const left = new Set(truths);
  for (const one of detections.toSorted((a, b) => b.score - a.score)) {
    const candidates = [...left].filter(({ kind }) => kind === one.kind);
    const best = candidates.reduce<Box | undefined>(
      (a, b) => (!a || intersectionOverUnion(one, b) > intersectionOverUnion(one, a) ? b : a),
      undefined,
    );
    const hit = best && intersectionOverUnion(one, best) >= overlap;
    if (hit) left.delete(best);
    entries.push(one.kind, one.score, hit ? 1 : 0);
  }
  return entries;
}

/** The mean over the classes that occur of the average precision at 101 levels of recall, of what `matches` gives. */
export function meanAveragePrecision(pictures: readonly (readonly number[])[]): number {
  const objects = new Map<number, number>();
  const found = new Map<number, { score: number; hit: number }[]>();
  for (const entries of pictures) {
    for (let i = 0; i < entries.length; i += 3) {
      const [kind = 0, score = 0, value = 0] = entries.slice(i, i + 3);
      if (score < 0) objects.set(kind, (objects.get(kind) ?? 0) + value);
      else (found.get(kind) ?? found.set(kind, []).get(kind))?.push({ score, hit: value });
    }
  }
  const precisions = [...objects].map(([kind, count]) => averagePrecision(found.get(kind) ?? [], count));
  return precisions.reduce((a, b) => a + b, 0) / precisions.length;
}

function averagePrecision(found: readonly { score: number; hit: number }[], objects: number): number {
  let hits = 0;
  const curve = found
    .toSorted((a, b) => b.score - a.score)
    .map(({ hit }, i) => {
      hits += hit;
      return { recall: hits / objects, precision: hits / (i + 1) };
    });
  // From the end on: the best precision at this recall or a higher one.
  let [best, at, sum] = [0, curve.length - 1, 0];
  for (let level = 100; level >= 0; level--) {
    for (; at >= 0 && (curve[at] as { recall: number }).recall >= level / 100 - 1e-12; at--) {
      best = Math.max(best, (curve[at] as { precision: number }).precision);
    }
    sum += best;
  }
  return sum / 101;
}
