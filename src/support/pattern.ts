/** Whether a name is the pattern, or fits it: `*` stands for any characters, `?` for one. */
export function matchesName(pattern: string, name: string): boolean {
  if (pattern === name) return true;
  const expression = [...pattern].map((sign) => (sign === '*' ? '.*' : sign === '?' ? '.' : quoted(sign))).join('');
  return new RegExp(`^${expression}$`, 's').test(name);
}

const quoted = (sign: string) => sign.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&');
