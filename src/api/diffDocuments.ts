/** A place in which two documents differ. */
export interface Difference {
  /** Keys and names from the outside in: `layers / Conv_1 / result / scale`. */
  readonly path: string;
  /** Undefined where the first, or the second, document has nothing there. */
  readonly before: unknown;
  readonly after: unknown;
}

/** What names an entry of a list, so that entries are compared with their own kind and not with their neighbours. */
const nameKeys = ['node', 'layer', 'name', 'scheme', 'op'] as const;

/**
 * Compares two JSON documents, such as manifests or what `--json` prints: every number, text or truth value that
 * differs. Lists whose entries have names are matched by them; texts of more than 200 characters count as data and
 * are left out.
 */
export function diffDocuments(before: unknown, after: unknown): Difference[] {
  const found: Difference[] = [];
  visit(before, after, [], found);
  return found;
}

/** Longer texts are hashes and data, which say nothing to a reader. */
const longestText = 200;

function visit(before: unknown, after: unknown, path: readonly string[], found: Difference[]): void {
  if (isTree(before) && isTree(after)) {
    const [first, second] = [entries(before), entries(after)];
    for (const key of new Set([...first.keys(), ...second.keys()])) {
      visit(first.get(key), second.get(key), [...path, key], found);
    }
    return;
  }
  if (Object.is(before, after)) return;
  if ([before, after].some((value) => typeof value === 'string' && value.length > longestText)) return;
  found.push({ path: path.join(' / '), before, after });
}

const isTree = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** The parts of an object or a list by key, name or number. Equal names are told apart by a count. */
function entries(tree: object): Map<string, unknown> {
  if (!Array.isArray(tree)) return new Map(Object.entries(tree));
  const keyed = new Map<string, unknown>();
  tree.forEach((value: unknown, i) => {
    const name = nameOf(value) ?? `${i}`;
    let key = name;
    for (let count = 2; keyed.has(key); count++) key = `${name} (${count})`;
    keyed.set(key, value);
  });
  return keyed;
}

function nameOf(value: unknown): string | undefined {
  if (!isTree(value)) return undefined;
  const record = value as Record<string, unknown>;
  const key = nameKeys.find((one) => typeof record[one] === 'string' && record[one] !== '');
  return key === undefined ? undefined : (record[key] as string);
}
