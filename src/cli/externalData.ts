import { realpathSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import type { ExternalData } from '../onnx/proto/externalData.ts';
import { QcError } from '../support/diagnostics.ts';
import type { ExternalFile } from '../support/externalFile.ts';
import { fileInRanges } from './files.ts';

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
    const file = fileInRanges(path);
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
