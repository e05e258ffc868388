import { webgpuRuntime } from '../../runtime-strings/webgpu.ts';
import type { Module } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { scriptLiteral } from '../script.ts';
import { compileWgsl, type ModelInfo } from './emit.ts';
import { modelTypings } from './typings.ts';

/** What the manifest says about a WGSL artifact. */
export interface WgslReport {
  readonly arenaBytes: number;
  readonly stateBytes: number;
  readonly weightsBytes: number;
  /** Bytes of the shader. */
  readonly codeBytes: number;
  /** Bytes on the device: weights, arena, states, inputs and outputs. */
  readonly memoryBytes: number;
  readonly dispatches: number;
}

export interface WgslArtifact {
  /** NAME.wgsl, NAME.js, NAME.d.ts and, where there are weights, NAME.bin. */
  readonly files: Map<string, Uint8Array>;
  readonly report: WgslReport;
}

/** The text of NAME.js. */
function modelScript(name: string, info: ModelInfo): string {
  const beside = (ending: string) => `new URL(${scriptLiteral(`./${name}.${ending}`)}, import.meta.url)`;
  return [
    webgpuRuntime.trimEnd(),
    `const info = ${scriptLiteral(info)};`,
    `const defaults = { shader: () => ${beside('wgsl')}, weights: () => ${beside('bin')} };`,
    'export async function load(device, options) {',
    '\treturn instantiate(info, defaults, device ?? (await requestDevice(info)), options);',
    '}',
    '',
  ].join('\n');
}

/** Writes a planned module as a package for WebGPU. The same input gives the same bytes. */
export function emitWgsl(module: Module, options: { readonly name?: string } = {}): WgslArtifact {
  const { name = 'model' } = options;
  invariant(/^[\w.-]+$/.test(name), `"${name}" is no stem for file names`);
  const { program, shader, info } = compileWgsl(module);
  const encode = (text: string) => new TextEncoder().encode(text);
  const code = encode(shader);
  const files = new Map<string, Uint8Array>([[`${name}.wgsl`, code]]);
  if (info.weightsBytes > 0) files.set(`${name}.bin`, Uint8Array.from(program.weights));
  files.set(`${name}.js`, encode(modelScript(name, info)));
  files.set(`${name}.d.ts`, encode(modelTypings(program)));
  const report = {
    arenaBytes: program.arenaBytes,
    stateBytes: program.stateBytes,
    weightsBytes: info.weightsBytes,
    codeBytes: code.length,
    memoryBytes: info.memoryBytes + info.weightsBytes,
    dispatches: info.launches.length,
  };
  return { files, report };
}
