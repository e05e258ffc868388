'use strict';

/** A name as it is written, with a word or a quoted text behind its sign. */
const name = '[%@](?:\\d+(?![\\w$])|[A-Za-z_][\\w$]*(?:[./-][\\w$]+)*|"(?:[^"\\\\\\n]|\\\\.)*")';
const results = new RegExp(`^\\s*${name}(?:\\s*,\\s*${name})*(?=\\s*=)`);

/** `%"x"` is `%x`. */
const plain = (written) => (written[1] === '"' ? written[0] + JSON.parse(written.slice(1)) : written);

/** The names of a text outside of comments and of quoted texts: what is written, and from where to where. */
function namesIn(text) {
  const found = [];
  for (const match of text.matchAll(new RegExp(`//[^\\n]*|"(?:[^"\\\\\\n]|\\\\.)*"|(${name})`, 'g'))) {
    if (match[1]) found.push({ name: plain(match[1]), start: match.index, end: match.index + match[1].length });
  }
  return found;
}

/**
 * The part of a line whose names are defined there: the first name of a declaration, the arguments of a function,
 * kernel or region, the results of an op.
 */
function definingPart(line, isValue) {
  if (!isValue) return new RegExp(`^(?:func|kernel|quant|resource)\\s+${name}`).exec(line)?.[0].length ?? 0;
  if (/^(?:func|kernel)\s|^\s*\^/.test(line)) return line.split('->')[0].length;
  return results.exec(line)?.[0].length ?? 0;
}

/**
 * Where the name at an offset of a text in .qir form is defined, as offsets; undefined where there is none. Values
 * belong to their function and may be defined anew in its regions: the nearest definition before the offset counts.
 */
exports.definitionOf = (text, offset) => {
  const names = namesIn(text);
  const asked = names.find(({ start, end }) => start <= offset && offset <= end);
  if (!asked) return undefined;
  const isValue = asked.name.startsWith('%');
  const scope = isValue
    ? Math.max(0, ...[...text.matchAll(/^(?:func|kernel)\s/gm)].map(({ index }) => index).filter((at) => at <= offset))
    : 0;
  const definitions = names.filter(({ name: one, start }) => {
    if (one !== asked.name || start < scope || (isValue && start > asked.start)) return false;
    const line = text.lastIndexOf('\n', start - 1) + 1;
    return start < line + definingPart(text.slice(line).split('\n', 1)[0], isValue);
  });
  return definitions.at(-1);
};
