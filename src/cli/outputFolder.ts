import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { QcError } from '../support/diagnostics.ts';
import { reasonOf } from './files.ts';

/** Refuses, before any work is done, a folder that could not be written. @throws QcError */
export function checkOutputFolder(folder: string): void {
  const path = resolve(folder);
  if (existsSync(path) && !statSync(path).isDirectory()) throw refuse(folder, 'it is a file, not a folder');
  let ancestor = path;
  while (!existsSync(ancestor) && dirname(ancestor) !== ancestor) ancestor = dirname(ancestor);
  if (!statSync(ancestor).isDirectory()) throw refuse(folder, `${ancestor} is a file, not a folder`);
  try {
    accessSync(ancestor, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw refuse(folder, reasonOf(error));
  }
}

/** Refuses, before any work is done, a file that could not be written. @throws QcError */
export function checkOutputFile(path: string): void {
  const folder = dirname(resolve(path));
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw refuseFile(path, 'it is a folder');
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw error instanceof QcError ? error : refuseFile(path, reasonNotWritten(error));
  }
}

/**
 * Writes files into a folder: all of them under temporary names first, so that on failure nothing is left. A new
 * folder appears complete; in one that exists, files of an artifact that was there before give way to the new one's and others are
 * left alone. @throws QcError when the folder can't be written
 */
export function writeFolder(folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  const path = resolve(folder);
  let created: string | undefined;
  let staging: string | undefined;
  try {
    created = makeFolders(dirname(path));
    staging = mkdtempSync(join(dirname(path), `.${basename(path)}-`));
    for (const [name, bytes] of files) writeFileSync(join(staging, name), bytes);
    // A temporary folder is private; this one gets the rights that mkdir would give.
    chmodSync(staging, 0o777 & ~process.umask());
    if (existsSync(path)) replaceFiles(staging, path, files);
    else renameSync(staging, path);
  } catch (error) {
    if (created) rmSync(created, { recursive: true, force: true });
    throw refuse(folder, reasonOf(error));
  } finally {
    if (staging) rmSync(staging, { recursive: true, force: true });
  }
}

/**
 * Makes a folder and those above it that are missing; gives the uppermost one that was made. Not mkdir's own
 * `recursive`: below /proc that never ends.
 */
function makeFolders(path: string): string | undefined {
  if (existsSync(path)) return undefined;
  const above = makeFolders(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    if (above) rmSync(above, { recursive: true, force: true });
    throw error;
  }
  return above ?? path;
}

/** Writes one file, from pieces in their order, under a temporary name and then renames it. @throws QcError */
export function writeWhole(path: string, content: Uint8Array | string | Iterable<Uint8Array>): void {
  const staged = `${path}.part`;
  try {
    if (typeof content === 'string' || content instanceof Uint8Array) writeFileSync(staged, content);
    else writePieces(staged, content);
    renameSync(staged, path);
  } catch (error) {
    rmSync(staged, { force: true });
    throw refuseFile(path, reasonNotWritten(error));
  }
}

function writePieces(path: string, pieces: Iterable<Uint8Array>): void {
  const file = openSync(path, 'w');
  try {
    for (const piece of pieces) {
      for (let done = 0; done < piece.length; ) done += writeSync(file, piece, done);
    }
  } finally {
    closeSync(file);
  }
}

function replaceFiles(staging: string, folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  const stale = files.has('manifest.json') ? earlierFiles(folder).filter((name) => !files.has(name)) : [];
  for (const name of stale) rmSync(join(folder, name), { force: true });
  for (const name of files.keys()) renameSync(join(staging, name), join(folder, name));
}

/** The files that the artifact in a folder, if there is one, says it consists of. */
function earlierFiles(folder: string): readonly string[] {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as { files?: object };
    return Object.keys(manifest.files ?? {}).filter((name) => basename(name) === name && name !== '..');
  } catch {
    return [];
  }
}

/** What is missing where a file should be written is its folder. */
function reasonNotWritten(error: unknown): string {
  const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  return missing ? 'there is no such folder, or nothing can be made in it' : reasonOf(error);
}

function refuseFile(path: string, why: string): QcError {
  return new QcError({
    what: 'the file cannot be written',
    where: path,
    why,
    help: 'give a path in a folder that you may write to',
  });
}

function refuse(folder: string, why: string): QcError {
  return new QcError({
    what: 'the output folder cannot be written',
    where: folder,
    why,
    help: 'give another one with -o, or for graphs with --dump-graph',
  });
}
