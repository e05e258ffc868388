import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Manifest, readManifest } from '../api/manifest.ts';
import { QcError } from '../support/diagnostics.ts';
import { isFolder, readFile } from './files.ts';

/** An artifact on disk. */
export interface ArtifactFiles {
  readonly manifest: Manifest;
  /** Contents by file name, `manifest.json` among them. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Whether a path means an artifact: a folder, or the manifest in one. */
export function isArtifact(path: string): boolean {
  return isFolder(path) || basename(path) === 'manifest.json';
}

function noArtifact(path: string): QcError {
  return new QcError({
    what: 'this is no artifact',
    where: path,
    why: existsSync(path) ? 'an artifact is a folder with a manifest.json in it' : 'there is no such folder',
    help: 'compile the model with qc compile, and give the folder that it writes',
  });
}

/** Reads an artifact. @throws QcError when the folder is none, or a file of it is missing or was changed in size */
export function loadArtifact(path: string): ArtifactFiles {
  if (!isArtifact(path)) throw noArtifact(path);
  const folder = isFolder(path) ? path : dirname(path);
  const manifestPath = join(folder, 'manifest.json');
  if (!existsSync(manifestPath)) {
    throw new QcError({
      what: 'the folder holds no artifact',
      where: folder,
      why: 'there is no manifest.json in it',
      help: 'give a folder that qc compile wrote, or a .onnx or .qir file',
    });
  }
  const bytes = readFile(manifestPath);
  const manifest = readManifest(bytes, manifestPath);
  const files = new Map([['manifest.json', bytes]]);
  for (const [name, expected] of Object.entries(manifest.files)) {
    const content = readFile(join(folder, basename(name)), 'compile the model again');
    if (content.length !== expected.bytes) {
      throw new QcError({
        what: `the file has ${content.length} bytes, the manifest says ${expected.bytes}`,
        where: join(folder, name),
        help: 'compile the model again',
      });
    }
    files.set(name, content);
  }
  return { manifest, files };
}
