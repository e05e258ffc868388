/** What a golden file says about itself. */
export interface Golden {
  readonly pipeline: string;
  /** Whether the command is expected to fail; the checks are then about the message. */
  readonly fails: boolean;
  /** The text without the expected output. */
  readonly input: string;
  /** The full expected output, where the file gives it after `// CHECK-ALL:`. */
  readonly output: string | undefined;
  readonly checks: readonly Check[];
}

export interface Check {
  readonly kind: 'CHECK' | 'CHECK-NEXT' | 'CHECK-NOT';
  readonly text: string;
}

const runPattern = /^\/\/ RUN: (not )?qc opt(?: --pipeline '([^']*)')?\s*$/m;
const allMark = '// CHECK-ALL:';

export function readGolden(text: string): Golden {
  const run = runPattern.exec(text);
  if (!run) throw new Error("a golden file has a line // RUN: qc opt --pipeline '…'");
  const at = text.indexOf(`${allMark}\n`);
  const output = at < 0 ? undefined : text.slice(at + allMark.length + 1).replace(/^\/\/ ?/gm, '');
  const checks = [...text.matchAll(/^\s*\/\/ (CHECK(?:-NEXT|-NOT)?): ?(.*)$/gm)].map(
    ([, kind, wanted]): Check => ({ kind: kind as Check['kind'], text: (wanted as string).trim() }),
  );
  return {
    pipeline: run[2] ?? '',
    fails: run[1] !== undefined,
    input: at < 0 ? text : text.slice(0, at),
    output,
    checks,
  };
}

/** The file with its full expected output put in. */
export function bless(golden: Golden, output: string): string {
  const comments = output.replace(/^(?=.)/gm, '// ').replace(/^(?=\n)/gm, '//');
  return `${golden.input.trimEnd()}\n\n${allMark}\n${comments}`;
}

/**
 * The first check that `output` does not pass, as a sentence. CHECK: a line, after the last match, contains the
 * text. CHECK-NEXT: the line right after it does. CHECK-NOT: no line does up to the next match.
 */
export function failingCheck(output: string, checks: readonly Check[]): string | undefined {
  const lines = output.split('\n');
  let at = -1;
  let forbidden: string[] = [];
  const forbiddenBefore = (end: number) =>
    forbidden.find((text) => lines.slice(at + 1, end).some((line) => line.includes(text)));
  for (const { kind, text } of checks) {
    if (kind === 'CHECK-NOT') {
      forbidden.push(text);
      continue;
    }
    const found = kind === 'CHECK' ? lines.findIndex((line, i) => i > at && line.includes(text)) : at + 1;
    if (!lines[found]?.includes(text)) return `${kind}: ${text}\nis not found after line ${at + 1} of\n${output}`;
    const hit = forbiddenBefore(found);
    if (hit) return `CHECK-NOT: ${hit}\nis found before line ${found + 1} of\n${output}`;
    forbidden = [];
    at = found;
  }
  const hit = forbiddenBefore(lines.length);
  return hit ? `CHECK-NOT: ${hit}\nis found in\n${output}` : undefined;
}
