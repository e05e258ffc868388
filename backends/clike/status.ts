/** One of the values that generated functions return; a status is its place in the list of them. */
export interface Status {
  readonly code: string;
  readonly text: string;
}

/** The definition of NAME_status_text. */
export function statusTextLines(name: string, statuses: readonly Status[]): string[] {
  return [
    `const char *${name}_status_text(int status)`,
    '{',
    '  switch (status) {',
    ...statuses.flatMap(({ code, text }) => [`  case ${name}_${code}:`, `    return "${text}";`]),
    '  default:',
    '    return "unknown status";',
    '  }',
    '}',
  ];
}
