import { existsSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { bindDimensions, type Dimensions } from '../api/dimensions.ts';
import { importOnnx, parse } from '../api/read.ts';
import { boundStates, declareStates, parseStates } from '../api/states.ts';
import type { Module } from '../ir/index.ts';
import { QcError } from '../support/diagnostics.ts';
import { externalDataBeside } from './externalData.ts';
import { fileInRanges, readFile } from './files.ts';
import type { modelOptions } from './globalOptions.ts';
import { parseLimits } from './importOptions.ts';
import type { OptionValues } from './options.ts';
import { UsageError } from './usage.ts';

/**
 * Reads a MODEL, `.onnx` or `.qir`. The structure of an ONNX model may depend on sizes: `dims` are known to its
 * import; those of a `.qir` are left open.
 * @throws QcError when it can't be read or is none
 */
export function loadModel(
  path: string,
  allowed: readonly string[] = [],
  dims: Readonly<Record<string, number>> = {},
): Module {
  const limits = parseLimits(allowed);
  const bytes = readFile(path, 'give the path of a .onnx or .qir file');
  switch (extname(path)) {
    case '.onnx':
      return importOnnx(bytes, { externalData: externalDataBeside(path), fileName: path, symbols: dims, limits });
    case '.qir':
      return parseFile(path, bytes);
  }
  throw new QcError({
    what: 'this is neither a .onnx nor a .qir file',
    where: path,
    why: 'a model is known by the ending of its name',
    help: 'export the model as ONNX, and name it with the ending .onnx',
  });
}

/** Reads a MODEL, declares its states and gives every other open dimension its size, as `bindDimensions` does. @throws QcError */
export async function loadBoundModel(
  path: string,
  { dim, allow }: OptionValues<typeof modelOptions>,
  stateTexts: readonly string[] = [],
): Promise<Module> {
  const dims = parseDims(dim);
  const sizes = fixedSizes(dims);
  const module = loadModel(path, allow, sizes);
  const states = parseStates(module, stateTexts);
  boundStates(module, states);
  const known = extname(path) === '.onnx' ? sizes : {};
  await bindDimensions(module, Object.fromEntries(Object.entries(dims).filter(([name]) => !(name in known))));
  declareStates(module, states);
  return module;
}

/** Reads the text form of a module, with its companion file when it is there. */
export function parseFile(path: string, bytes: Uint8Array): Module {
  const companion = `${path}.bin`;
  const bin = existsSync(companion) ? { bin: fileInRanges(companion) } : {};
  return parse(new TextDecoder().decode(bytes), { file: path, ...bin });
}

/** The stem of a model's file as an identifier: the default name of a program. */
export function nameOfModel(path: string): string {
  const stem = basename(path, extname(path))
    .replace(/\W+/g, '_')
    .replace(/^_+|_+$/g, '');
  return /^[A-Za-z]/.test(stem) ? stem : `model_${stem}`.replace(/_$/, '');
}

/** The dimensions that have one size. */
function fixedSizes(dims: Dimensions): Record<string, number> {
  const entries = Object.entries(dims).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  return Object.fromEntries(entries);
}

/** The sizes that `--dim NAME=VALUE` gives, without bounds. @throws UsageError */
export function parseSizes(texts: readonly string[]): Record<string, number> {
  const dims = parseDims(texts);
  const bounded = Object.entries(dims).find(([, size]) => typeof size !== 'number');
  if (!bounded) return fixedSizes(dims);
  throw new UsageError(`--dim ${bounded[0]}=… is no number`, 'say one size here: bounds and sums are for qc compile');
}

/** The sizes or bounds that `--dim NAME=VALUE` gives. @throws UsageError */
export function parseDims(texts: readonly string[]): Dimensions {
  return Object.fromEntries(
    texts.map((text): [string, Dimensions[string]] => {
      const at = text.lastIndexOf('=');
      const [, low, high] = /^(\d+)\.\.(\d+)$/.exec(text.slice(at + 1)) ?? [];
      if (at > 0 && low !== undefined && Number(high) > 0 && Number(low) <= Number(high)) {
        return [text.slice(0, at), { min: Number(low), max: Number(high) }];
      }
      const size = Number(text.slice(at + 1));
      if (at > 0 && /^\d+$/.test(text.slice(at + 1)) && size > 0) return [text.slice(0, at), size];
      if (at > 0 && /^[^+]+(\+[^+]+)+$/.test(text.slice(at + 1))) return [text.slice(0, at), text.slice(at + 1)];
      throw new UsageError(
        `--dim ${text} is not understood`,
        'write --dim NAME=VALUE with a whole number from 1, --dim NAME=LOW..HIGH, or a sum: --dim NAME=OTHER+1',
      );
    }),
  );
}
