import { registry } from '../../dialects/index.ts';
import type { Module } from '../ir/index.ts';
import { type ImportOptions, importOnnx as importModel } from '../onnx/index.ts';
import type { ExternalFile } from '../support/externalFile.ts';
import { type PrintOptions, parse as parseText, printModule } from '../text/index.ts';

/**
 * Reads an ONNX model. Weights stay views of `bytes`; every op keeps the name of its node.
 *
 * @throws QcError that names the node, for a file that is damaged or uses what is not supported
 */
export function importOnnx(bytes: Uint8Array, options: Omit<ImportOptions, 'registry'> = {}): Module {
  return importModel(bytes, { ...options, registry });
}

/**
 * Reads the text form of a module (`.qir`). `bin` is the companion file (`.qir.bin`) where the text names one:
 * its bytes, or its length and a `read(offset, length)` for a file that stays where it is.
 *
 * @throws QcError with line and column
 */
export function parse(
  text: string,
  options: { readonly bin?: Uint8Array | ExternalFile; readonly file?: string } = {},
): Module {
  return parseText(text, { registry, ...options });
}

/** A module as text, and the bytes of its companion file when it has constants of more than 4 KB. `parse` reads both. */
export function print(module: Module, options: PrintOptions = {}): { text: string; bin?: Uint8Array } {
  return printModule(module, options);
}

/** A module of its own with the same content. */
export function copyModule(module: Module): Module {
  const { text, bin } = print(module);
  return parse(text, bin ? { bin } : {});
}
