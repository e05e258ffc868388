import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import type { DataFiles } from '../calibrate/data/index.ts';
import { QcError } from '../support/diagnostics.ts';
import type { ExternalFile } from '../support/externalFile.ts';

/** A file's bytes. @throws QcError when there is no such file or it can't be read */
export function readFile(path: string, help = 'check the path'): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw cannotRead(path, error, help);
  }
}

/** The file system, for datasets. */
export const hostFiles: DataFiles = {
  readFile: (path) => readFile(path),
  listFolder: (path) => (isFolder(path) ? readdirSync(path) : undefined),
};

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'you have no permission',
  EPERM: 'it is not permitted',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EEXIST: 'something of that name is there already',
  ENAMETOOLONG: 'the name is too long',
  ERR_FS_FILE_TOO_LARGE: 'it is larger than can be read at once',
};

/** Why the file system refused, as a phrase. Errors that are not the file system's are thrown again. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  if (code === undefined) throw error;
  return reasons[code] ?? `the system says ${code}`;
}

function cannotRead(path: string, error: unknown, help: string): QcError {
  return new QcError({ what: 'the file cannot be read', where: path, why: reasonOf(error), help });
}

/** A file that stays where it is: its ranges are read when they are asked for. @throws QcError when it can't be read */
export function fileInRanges(path: string): ExternalFile {
  const fail = (why: string) =>
    new QcError({
      what: 'the file cannot be read',
      where: path,
      why,
      help: 'leave the file as it is until the command is done',
    });
  const length = sizeOf(path);
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

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch (error) {
    throw cannotRead(path, error, 'check the path');
  }
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
