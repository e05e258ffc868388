import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import type { ExternalData } from '../onnx/proto/externalData.ts';
import { QcError } from '../support/diagnostics.ts';

/**
 * Reads a model's external data from the model's folder. After all links are resolved the file must still lie inside
 * that folder and have no other name (a hard link could lead to any file of the user). Files are read once.
 */
export function externalDataBeside(modelPath: string): ExternalData {
  const folder = realpathSync(dirname(modelPath));
  const files = new Map<string, Uint8Array>();
  return (location) => {
    const known = files.get(location);
    if (known) return known;
    const path = resolvedPath(join(folder, location));
    if (path === undefined) return undefined;
    const refuse = (why: string) =>
      new QcError({
        what: `the external data file '${location}' is refused`,
        where: modelPath,
        why,
        help: 'put a copy of the data file beside the model',
      });
    const inside = path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
    if (!inside || location.includes('\\')) throw refuse('it leads out of the folder of the model');
    const status = statSync(path);
    if (!status.isFile()) throw refuse('it is not a file');
    if (status.nlink > 1) throw refuse('it is a hard link, which may lead out of the folder of the model');
    const bytes = readWhole(path, status.size);
    files.set(location, bytes);
    return bytes;
  };
}

function resolvedPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** A file's bytes, read in pieces: one read of more than 2 GB is not possible. */
function readWhole(path: string, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  const file = openSync(path, 'r');
  try {
    let position = 0;
    while (position < size) {
      const count = readSync(file, bytes, position, Math.min(size - position, 2 ** 30), position);
      if (count === 0) break;
      position += count;
    }
    return bytes.subarray(0, position);
  } finally {
    closeSync(file);
  }
}
