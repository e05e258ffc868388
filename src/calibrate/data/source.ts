import { didYouMean, QcError } from '../../support/diagnostics.ts';
import type { HostTensor } from '../../support/tensor.ts';
import { arrayColumn, type Column, folderColumn } from './column.ts';
import type { InputFormat } from './inputFormat.ts';
import { readNpy } from './npy.ts';
import { readNpz } from './npz.ts';
import type { InputSignature } from './signature.ts';

/** Where a dataset's files come from: a file system, or what a page was given. */
export interface DataFiles {
  /** A file's bytes. @throws QcError when it cannot be read */
  readFile(path: string): Uint8Array;
  /** The names of the files in a folder; undefined when the path is no folder. */
  listFolder(path: string): readonly string[] | undefined;
}

/** The columns that one source gives. */
export type Columns = readonly (readonly [input: string, column: Column])[];

/**
 * Reads a source, `PATH` or `INPUT=PATH`, into columns for the inputs that it has samples for.
 * @throws QcError when the path, its format, its names, types or shapes do not fit the signature
 */
export function readSource(
  source: string,
  signature: readonly InputSignature[],
  files: DataFiles,
  formats: readonly InputFormat[],
): Columns {
  const { input, path } = splitSource(source, signature);
  const streams = signature.some(({ carried }) => carried);
  const formatOf = (name: string) => formats.find((format) => format.input === name);
  const folder = files.listFolder(path);
  const paths = folder ? sampleFiles(path, folder) : [path];
  const kind = kindOf(paths[0] ?? path);
  if (kind === 'npz') {
    if (input) {
      throw new QcError({
        what: 'a .npz archive names its arrays itself',
        where: source,
        help: `write ${path} without ${input.name}=, or give a .npy file`,
      });
    }
    const read = archiveReader(files);
    if (folder) {
      const present = signature.filter(({ name, carried }) => !carried || read.names(paths[0] ?? path).includes(name));
      return present.map((i) => [i.name, folderColumn(paths, (p) => read(p, i.name), i, formatOf(i.name))]);
    }
    const names = read.names(path);
    const present = signature.filter(({ name }) => names.includes(name));
    if (present.length === 0) {
      throw new QcError({
        what: 'the archive has no array named like an input of the model',
        where: path,
        why: `its arrays are ${names.join(', ')}; the inputs are ${signature.map(({ name }) => name).join(', ')}`,
        help: 'name the arrays after the inputs',
      });
    }
    return present.map((i) => [
      i.name,
      arrayColumn(read(path, i.name), i, formatOf(i.name), `${path}, array '${i.name}'`, streams),
    ]);
  }
  const target = input ?? onlyInput(signature, source);
  const readArray = (p: string) => readNpy(files.readFile(p), p);
  const format = formatOf(target.name);
  if (folder) return [[target.name, folderColumn(paths, readArray, target, format)]];
  return [[target.name, arrayColumn(readArray(path), target, format, path, streams)]];
}

/** `NAME=PATH`, where NAME may hold an equals sign when the model's name does; else a path. */
function splitSource(source: string, signature: readonly InputSignature[]): { input?: InputSignature; path: string } {
  const input = signature.find(({ name }) => source.startsWith(`${name}=`));
  if (input) return { input, path: source.slice(input.name.length + 1) };
  const equals = source.indexOf('=');
  if (equals < 0 || source.slice(0, equals).includes('/')) return { path: source };
  const names = signature.map(({ name }) => name);
  const near = didYouMean(source.slice(0, equals), names);
  throw new QcError({
    what: `the model has no input '${source.slice(0, equals)}'`,
    where: source,
    why: `its inputs are ${names.join(', ')}`,
    help: near ? `did you mean '${near}'?` : 'write NAME=FILE with one of these names',
  });
}

function onlyInput(signature: readonly InputSignature[], source: string): InputSignature {
  const [input, ...others] = signature.filter(({ carried }) => !carried);
  if (input && others.length === 0) return input;
  throw new QcError({
    what: `the model has ${signature.length} inputs and the data is one array`,
    where: source,
    why: `the inputs are ${signature.map(({ name }) => name).join(', ')}`,
    help: 'write NAME=FILE for each, or give a .npz file',
  });
}

function kindOf(path: string): 'npy' | 'npz' {
  if (path.endsWith('.npy')) return 'npy';
  if (path.endsWith('.npz')) return 'npz';
  throw new QcError({
    what: 'the data is neither a .npy nor a .npz file',
    where: path,
    help: 'write it with numpy.save or numpy.savez',
  });
}

/** The paths of a folder's samples, in the order of their names; other files are passed over. */
function sampleFiles(folder: string, names: readonly string[]): string[] {
  const samples = names.filter((name) => /\.np[yz]$/.test(name)).sort();
  const kinds = new Set(samples.map((name) => name.slice(-3)));
  if (kinds.size !== 1) {
    throw new QcError({
      what: kinds.size === 0 ? 'the folder holds no samples' : 'the folder mixes .npy and .npz files',
      where: folder,
      why: 'a folder holds one sample a file, all .npy or all .npz',
      help: 'write each sample with numpy.save or numpy.savez',
    });
  }
  return samples.map((name) => (folder.endsWith('/') ? folder + name : `${folder}/${name}`));
}

interface ArchiveReader {
  (path: string, name: string): HostTensor;
  names(path: string): readonly string[];
}

/** Reads arrays out of archives, keeping the last archive for the inputs that follow. */
function archiveReader(files: DataFiles): ArchiveReader {
  let last: { path: string; arrays: Map<string, HostTensor> } | undefined;
  const open = (path: string) => {
    if (last?.path !== path) last = { path, arrays: readNpz(files.readFile(path), path) };
    return last.arrays;
  };
  const read = (path: string, name: string) => {
    const arrays = open(path);
    const array = arrays.get(name);
    if (array) return array;
    throw new QcError({
      what: `the archive has no array '${name}'`,
      where: path,
      why: `its arrays are ${[...arrays.keys()].join(', ')}`,
      help: 'name the arrays after the inputs of the model',
    });
  };
  return Object.assign(read, { names: (path: string) => [...open(path).keys()] });
}
