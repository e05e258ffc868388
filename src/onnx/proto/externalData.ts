import { QcError } from '../../support/diagnostics.ts';
import { type ExternalFile, rangeReader } from '../../support/externalFile.ts';
import type { StringEntry } from './model.ts';

/**
 * Gives a file beside the model, as its bytes or as what reads ranges of it, by the location that the model names
 * (relative, forward slashes, checked to stay inside the model's folder by its spelling); undefined when there is no
 * such file. Whoever reads from a file system must also resolve links (src/cli/externalData.ts).
 */
export type ExternalData = (location: string) => Uint8Array | ExternalFile | undefined;

/** A range of an external file, in bytes. */
export interface ExternalRange {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/**
 * The range that a tensor's external_data entries name; `size` is the tensor's size in bytes.
 * Unknown keys are ignored, as the ONNX specification says. @throws QcError
 */
export function externalRange(entries: readonly StringEntry[], size: number, where: string): ExternalRange {
  const value = (key: string) => entries.find((entry) => entry.key === key)?.value;
  const location = checkedLocation(value('location') ?? '', where);
  const offset = checkedNumber('offset', value('offset') ?? '0', where);
  const length = checkedNumber('length', value('length') ?? String(size), where);
  if (length !== size) {
    throw new QcError({
      what: 'the external data of the tensor does not fit its shape',
      where,
      why: `the shape needs ${size} bytes and the model says that '${location}' holds ${length}`,
      help: 'export the model again',
    });
  }
  return { location, offset, length };
}

/** Refuses every spelling of a location that could leave the model's folder on any platform. */
function checkedLocation(location: string, where: string): string {
  const parts = location.split('/');
  const reasons: readonly [boolean, string][] = [
    [location === '', 'it is empty'],
    [location.includes('\\'), 'it contains a backslash'],
    [location.includes('\0'), 'it contains a zero character'],
    [location.startsWith('/') || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(location), 'it is absolute'],
    [parts.includes('..'), 'it leaves the folder of the model'],
  ];
  const reason = reasons.find(([applies]) => applies);
  if (reason) {
    throw new QcError({
      what: `the external data location '${location}' is refused`,
      where,
      why: `${reason[1]}; external data must lie in the folder of the model`,
      help: 'put the data file beside the model and export with a relative location',
    });
  }
  return location;
}

function checkedNumber(key: string, text: string, where: string): number {
  const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new QcError({
    what: `the ${key} '${text}' of the tensor's external data is no size in bytes`,
    where,
    help: 'export the model again',
  });
}

/**
 * What reads a range of its file: a view where the file is in memory. Nothing is read here.
 * @throws QcError when the file is missing or too short
 */
export function externalReader(
  { location, offset, length }: ExternalRange,
  external: ExternalData | undefined,
  where: string,
): () => Uint8Array {
  const file = external?.(location);
  if (!file) {
    throw new QcError({
      what: `the model's external data file '${location}' is missing`,
      where,
      why: 'the tensor’s values lie in that file, not in the model',
      help: 'put the file beside the model',
    });
  }
  if (offset > file.length || length > file.length - offset) {
    throw new QcError({
      what: `the external data file '${location}' is too short`,
      where,
      why: `bytes ${offset} to ${offset + length} are needed and the file has ${file.length}`,
      help: 'export or download the model with its data file again',
    });
  }
  return rangeReader(file, offset, length);
}
