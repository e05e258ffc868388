import type { Resource } from '../ir/index.ts';
import { toBase64 } from './base64.ts';
import { nameText } from './names.ts';
import { numberText } from './numbers.ts';
import { RandomResource } from './random.ts';

/** Resources of at most this many bytes stand in the text itself. */
export const inlineLimit = 4096;

/** Alignment of the resources in a companion file, in bytes: that of the widest element. */
const alignment = 16;

/** How large resources are said: their bytes in a companion file, or random values in their place. */
export type WeightsForm = 'file' | 'random';

/** The lines of a module's resources. Large ones are read for it only where their bytes go to a companion file. */
export function resourceLines(resources: ReadonlyMap<Resource, string>, weights: WeightsForm): string[] {
  const lines: string[] = [];
  let offset = 0;
  let seed = 0;
  for (const [resource, name] of resources) {
    seed++;
    let value: string;
    if (resource instanceof RandomResource) value = randomText(resource);
    else if (!isLarge(resource)) value = `base64 "${toBase64(resource.bytes())}"`;
    else if (weights === 'random') value = `random(${seed})`;
    else {
      value = `file ${offset} "${resource.hash}"`;
      offset = alignedEnd(offset, resource);
    }
    lines.push(`resource @${nameText(name)} : ${resource.element}[${resource.length}] = ${value}`);
  }
  return lines;
}

/** The resources whose bytes go to the companion file, in its order. */
export function largeResources(resources: ReadonlyMap<Resource, string>): Resource[] {
  return [...resources.keys()].filter((one) => !(one instanceof RandomResource) && isLarge(one));
}

/** The companion file piece by piece, so that only one resource is in memory at a time. */
export function* companionPieces(large: readonly Resource[]): Generator<Uint8Array> {
  for (const resource of large) {
    yield resource.bytes();
    const { byteLength } = resource;
    yield new Uint8Array(alignedEnd(0, resource) - byteLength);
  }
}

/** The bytes of the companion file; undefined when there is nothing to put in it. */
export function companionBytes(large: readonly Resource[]): Uint8Array | undefined {
  if (large.length === 0) return undefined;
  const bin = new Uint8Array(large.reduce(alignedEnd, 0));
  let offset = 0;
  for (const piece of companionPieces(large)) {
    bin.set(piece, offset);
    offset += piece.length;
  }
  return bin;
}

const isLarge = ({ byteLength }: Resource) => byteLength > inlineLimit;

function alignedEnd(offset: number, resource: Resource): number {
  return Math.ceil((offset + resource.byteLength) / alignment) * alignment;
}

function randomText({ seed, range }: RandomResource): string {
  return `random(${[seed, ...(range ? [range.low, range.high] : [])].map(numberText).join(', ')})`;
}
