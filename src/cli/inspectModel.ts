import type { Manifest } from '../api/manifest.ts';
import { signatureOf, type TensorSignature } from '../api/signature.ts';
import { countText, sizeText, summaryLine } from '../api/summary.ts';
import { type Module, Resource } from '../ir/index.ts';
import { isArtifact, loadArtifact } from './artifactFile.ts';
import type { importOptions } from './importOptions.ts';
import { loadModel } from './modelFile.ts';
import type { OptionValues } from './options.ts';
import type { Terminal } from './terminal.ts';

/** What `inspect` says of a model. */
interface ModelSummary {
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
  /** How often each op occurs, and its multiply-adds. */
  readonly ops: readonly { readonly op: string; readonly count: number; readonly multiplyAdds: number }[];
  readonly parameters: number;
  readonly parameterBytes: number;
  readonly multiplyAdds: number;
}

/** Prints what is in a model or an artifact. */
export function inspectPath(path: string, { allow }: OptionValues<typeof importOptions>, terminal: Terminal): void {
  if (isArtifact(path)) {
    const { manifest } = loadArtifact(path);
    if (terminal.json) terminal.printJson(manifest);
    else terminal.print(manifestText(manifest));
    return;
  }
  const module = loadModel(path, allow);
  terminal.crash.module = module;
  const summary = summarize(module);
  if (terminal.json) terminal.printJson(summary);
  else terminal.print(modelText(summary));
}

function summarize(module: Module): ModelSummary {
  const ops = new Map<string, { count: number; multiplyAdds: number }>();
  const constants = new Set<Resource>();
  for (const op of module.ops()) {
    for (const value of Object.values(op.attributes)) if (value instanceof Resource) constants.add(value);
    if (op.definition.terminator || op.operands.length === 0) continue;
    const { count, multiplyAdds } = ops.get(op.name) ?? { count: 0, multiplyAdds: 0 };
    ops.set(op.name, { count: count + 1, multiplyAdds: multiplyAdds + op.definition.cost(op).multiplyAdds });
  }
  const rows = [...ops].map(([op, counts]) => ({ op, ...counts }));
  return {
    ...signatureOf(module),
    ops: rows.sort((a, b) => b.multiplyAdds - a.multiplyAdds || b.count - a.count || (a.op < b.op ? -1 : 1)),
    parameters: [...constants].reduce((sum, { length }) => sum + length, 0),
    parameterBytes: [...constants].reduce((sum, { byteLength }) => sum + byteLength, 0),
    multiplyAdds: rows.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0),
  };
}

function modelText(summary: ModelSummary): string {
  const width = Math.max(9, ...summary.ops.map(({ op }) => op.length));
  return [
    ...signatureLines(summary),
    '',
    `${'operation'.padEnd(width)}  count  multiply-adds`,
    ...summary.ops.map(({ op, count, multiplyAdds }) =>
      `${op.padEnd(width)}  ${`${count}`.padStart(5)}  ${multiplyAdds === 0 ? '' : countText(multiplyAdds).padStart(13)}`.trimEnd(),
    ),
    '',
    `parameters     ${countText(summary.parameters)} (${sizeText(summary.parameterBytes)})`,
    `multiply-adds  ${countText(summary.multiplyAdds)}`,
  ].join('\n');
}

function manifestText(manifest: Manifest): string {
  const { name, target, scheme, files, arenaBytes, weightsBytes, codeBytes, stayedFloat } = manifest;
  const layers = manifest.quantization.layers.length;
  return [
    `${name}: ${target}, ${scheme}`,
    ...signatureLines(manifest.signature),
    '',
    ...Object.entries(files).map(([file, { bytes }]) => `${file}  ${sizeText(bytes)}`),
    '',
    `weights  ${sizeText(weightsBytes)}`,
    `arena    ${sizeText(arenaBytes)}`,
    ...(codeBytes === undefined ? [] : [`code     ${sizeText(codeBytes)}`]),
    ...(layers > 0 ? [`layers with quantized values: ${layers} (--json lists their parameters)`] : []),
    floatLine(manifest.floatOps),
    ...(stayedFloat.length > 0 ? ['', 'stayed float:'] : []),
    ...stayedFloat.map(({ node, op, reason }) => `  ${node || '(no name)'} (${op}): ${reason}`),
    '',
    summaryLine(manifest),
  ].join('\n');
}

function floatLine({ count, functions }: Manifest['floatOps']): string {
  if (count === 0) return 'float    none';
  const named = functions.slice(0, 4).join(', ');
  return `float    ${count} operations in ${named}${functions.length > 4 ? ` and ${functions.length - 4} more` : ''}`;
}

function signatureLines({
  inputs,
  outputs,
}: {
  inputs: readonly TensorSignature[];
  outputs: readonly TensorSignature[];
}) {
  const line = (role: string) => (tensor: TensorSignature) =>
    `${role} ${tensor.name}: ${tensor.dtype} [${tensor.shape.join(', ')}]`;
  return [...inputs.map(line('input ')), ...outputs.map(line('output'))];
}
