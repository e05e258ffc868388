import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import type { ExternalData, ExternalFile } from '../onnx/proto/externalData.ts';
import { QcError } from '../support/diagnostics.ts';
import { reasonOf } from './files.ts';

/**
 * Reads a model's external data from the model's folder. After all links are resolved the file must still lie inside
 * that folder and have no other name (a hard link could lead to any file of the user). Files stay on disk: each range
 * is read when it is asked for, and a file that has become shorter since the import is refused then.
 */
export function externalDataBeside(modelPath: string): ExternalData {
  const folder = realpathSync(dirname(modelPath));
  const files = new Map<string, ExternalFile>();
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
    const file = fileAt(path, location, status.size);
    files.set(location, file);
    return file;
  };
}

function resolvedPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function fileAt(path: string, location: string, length: number): ExternalFile {
  const fail = (why: string) =>
    new QcError({
      what: `the external data file '${location}' cannot be read`,
      where: path,
      why,
      help: 'leave the file as it is until the command is done',
    });
  return {
    length,
    read(offset, count) {
      let bytes: Uint8Array;
      try {
        bytes = readRange(path, offset, count);
      } catch (error) {
        throw fail(reasonOf(error));
      }
      if (bytes.length < count) throw fail(`it has become shorter than its ${length} bytes`);
      return bytes;
    },
  };
}

/** A range of a file, in pieces: one read of more than 2 GB is not possible. Shorter when the file ends before. */
function readRange(path: string, offset: number, count: number): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const bytes = new Uint8Array(count);
    let done = 0;
    while (done < count) {
      const read = readSync(file, bytes, done, Math.min(count - done, 2 ** 30), offset + done);
      if (read === 0) break;
      done += read;
    }
    return bytes.subarray(0, done);
  } finally {
    closeSync(file);
  }
}
