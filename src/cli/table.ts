/** Rows of cells as lines of columns, the first one flush left and all others flush right; trailing blanks are cut. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number))).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}

/** Decibels with one digit, `exact` where nothing differs. */
export function decibelText(value: number): string {
  return value === Number.POSITIVE_INFINITY ? 'exact' : value.toFixed(1);
}

/** A share in percent. */
export function percentText(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}
