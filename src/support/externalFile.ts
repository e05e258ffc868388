/** A file beside a model that stays where it is: ranges of it are read when they are needed, each time anew. */
export interface ExternalFile {
  /** Bytes of the whole file. */
  readonly length: number;
  /** The `length` bytes from `offset`; both lie inside the file. @throws QcError when they cannot be read */
  readonly read: (offset: number, length: number) => Uint8Array;
}

/** What reads a range that lies inside a file: a view where the file is in memory. Nothing is read here. */
export function rangeReader(file: Uint8Array | ExternalFile, offset: number, length: number): () => Uint8Array {
  return file instanceof Uint8Array ? () => file.subarray(offset, offset + length) : () => file.read(offset, length);
}
