import binaryen from 'binaryen';
import { isBorderFunction } from '../../dialects/quant/border.ts';

/** Where floats occur in a WebAssembly module. */
export interface FloatUse {
  /** Float opcodes in functions that are no border of the program. */
  readonly inside: readonly string[];
  /** Float opcodes in functions named `quantize_input_…` and `dequantize_output_…`. */
  readonly atBorder: readonly string[];
  /** Names of the border functions. */
  readonly border: readonly string[];
}

const floatOpcode = /\b(?:f32|f64|f32x4|f64x2)\.[a-z0-9_.]+|\b[a-z0-9]+\.[a-z_]+_f(?:32|64)(?:x\d)?[a-z_]*/g;

/** Reads a binary, and the module of relaxed kernels in its custom section. */
export function floatUse(wasm: Uint8Array<ArrayBuffer>): FloatUse {
  const compiled = new WebAssembly.Module(wasm);
  const parts = [
    wasm,
    ...WebAssembly.Module.customSections(compiled, 'qc.relaxed').map((part) => new Uint8Array(part)),
  ];
  const uses = parts.map(usesIn);
  return {
    inside: uses.flatMap(({ inside }) => inside),
    atBorder: uses.flatMap(({ atBorder }) => atBorder),
    border: uses.flatMap(({ border }) => border),
  };
}

function usesIn(wasm: Uint8Array): FloatUse {
  const module = binaryen.readBinary(wasm);
  const text = module.emitText();
  module.dispose();
  const exports = [...text.matchAll(/\(export "([^"]+)" \(func (\$\S+)\)\)/g)];
  const borders = new Map(exports.flatMap(([, name = '', id]) => (isBorderFunction(name) ? [[id, name]] : [])));
  const use = { inside: [] as string[], atBorder: [] as string[], border: [] as string[] };
  for (const body of text.split(/\n (?=\(func )/).slice(1)) {
    const id = body.match(/^\(func (\$\S+)/)?.[1] as string;
    const name = borders.get(id);
    const found = [...body.matchAll(floatOpcode)].map(([opcode]) => opcode);
    if (name) use.border.push(name);
    (name ? use.atBorder : use.inside).push(...found);
  }
  return use;
}
