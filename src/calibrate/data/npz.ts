import { unzipSync, zipSync } from 'fflate';
import { QcError } from '../../support/diagnostics.ts';
import type { HostTensor } from '../../support/tensor.ts';
import { readNpy, writeNpy } from './npy.ts';

/** DOS time has no zone and starts here; a fixed time keeps equal archives equal bytes. */
const archiveTime = new Date(1980, 0, 1);

/** Reads every array of a `.npz` file by its name. `where` names the file in errors. @throws QcError */
export function readNpz(bytes: Uint8Array, where: string): Map<string, HostTensor> {
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(bytes, { filter: (file) => file.name.endsWith('.npy') });
  } catch (error) {
    throw new QcError({
      what: 'the .npz archive cannot be read',
      where,
      why: error instanceof Error ? error.message : String(error),
      help: 'copy the file again, or write it with numpy.savez',
    });
  }
  const arrays = new Map<string, HostTensor>();
  for (const [file, data] of Object.entries(entries)) {
    const name = file.slice(0, -'.npy'.length);
    arrays.set(name, readNpy(data, `${where}, array '${name}'`));
  }
  return arrays;
}

/** Writes arrays by name as a deflated `.npz` file; equal arrays give equal bytes. @throws QcError */
export function writeNpz(arrays: ReadonlyMap<string, HostTensor>): Uint8Array {
  const entries: Record<string, Uint8Array> = {};
  for (const [name, tensor] of arrays) entries[`${name}.npy`] = writeNpy(tensor);
  return zipSync(entries, { level: 6, mtime: archiveTime });
}
