/** What a user is told when something is wrong: every part is one plain sentence or phrase. */
export interface Diagnostic {
  /** What is wrong. */
  what: string;
  /** Where: the file, the model's own node name, or a line of text. */
  where?: string | undefined;
  /** Why it matters, or what was expected. */
  why?: string | undefined;
  /** What to do about it. */
  help?: string | undefined;
}

/** Renders a diagnostic as the lines that the command line prints. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const lines = [diagnostic.what];
  if (diagnostic.where) lines.push(`  at:   ${diagnostic.where}`);
  if (diagnostic.why) lines.push(`  why:  ${diagnostic.why}`);
  if (diagnostic.help) lines.push(`  help: ${diagnostic.help}`);
  return lines.join('\n');
}

/** The input is bad (exit code 1): a model, data, an option. Anything else thrown is a bug in qc. */
export class QcError extends Error {
  readonly diagnostic: Diagnostic;

  constructor(diagnostic: Diagnostic) {
    super(formatDiagnostic(diagnostic));
    this.name = 'QcError';
    this.diagnostic = diagnostic;
  }
}

/** A bug in qc (exit code 3): an invariant of the compiler does not hold. */
export class InternalError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InternalError';
  }
}

/** Throws an InternalError when an invariant of the compiler is broken. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InternalError(message);
}

/** The candidate nearest to `word` by edit distance, when near enough to be what the user meant. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein distance of two strings. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, substitution));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
