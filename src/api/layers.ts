import { type Module, type QuantType, quantOf, type TensorType, type Value } from '../ir/index.ts';
import type { Instrument } from '../pass/index.ts';

/** How codes of a value stand for real numbers: real = (code − zeroPoint)·scale. */
export interface Quantization {
  /** Type of the codes. */
  readonly storage: string;
  /** One scale, or the smallest and the largest of those along an axis. */
  readonly scale: number | { readonly axis: number; readonly min: number; readonly max: number };
  readonly zeroPoint: number;
}

/** The quantization parameters of one layer. */
export interface LayerQuantization {
  /** The model's own name of the node. */
  readonly node: string;
  readonly op: string;
  readonly operands: Readonly<Record<string, Quantization>>;
  readonly result?: Quantization;
}

/** What quantization has chosen. */
export interface QuantizationSummary {
  /** Inputs and outputs of the model that are turned into codes, or made from codes, at the border. */
  readonly inputs: Readonly<Record<string, Quantization>>;
  readonly outputs: Readonly<Record<string, Quantization>>;
  readonly layers: readonly LayerQuantization[];
}

/** An instrument that keeps the parameters that the last pass of the phase `quantize` has given. */
export function layerCollector(): Instrument & { readonly summary: () => QuantizationSummary } {
  let summary: QuantizationSummary = { inputs: {}, outputs: {}, layers: [] };
  return {
    summary: () => summary,
    after({ pass }, module) {
      if (pass.phase === 'quantize') summary = summarize(module);
    },
  };
}

function summarize(module: Module): QuantizationSummary {
  const { main } = module;
  const layers: LayerQuantization[] = [];
  for (const op of module.ops()) {
    if (!op.name.startsWith('nn.') || op.definition.terminator || op.operands.length === 0) continue;
    const names = Object.keys(op.definition.operands);
    const operands = op.operands.flatMap((value, i): [string, Quantization][] => {
      const found = value && quantizationOf(value);
      return found ? [[names[i] ?? `${names.at(-1)}${i - names.length + 1}`, found]] : [];
    });
    const result = op.results[0] && quantizationOf(op.results[0]);
    if (operands.length === 0 && !result) continue;
    layers.push({
      node: op.source,
      op: op.name,
      operands: Object.fromEntries(operands),
      ...(result ? { result } : {}),
    });
  }
  const inputs = main.body.args.flatMap((arg, i) => named(arg.name ?? `input${i}`, codesBelow(arg)));
  const returned = main.body.last?.operands ?? [];
  const outputs = returned.flatMap((value, i) =>
    named(main.resultNames[i] ?? `output${i}`, value ? codesAbove(value) : undefined),
  );
  return { inputs: Object.fromEntries(inputs), outputs: Object.fromEntries(outputs), layers };
}

function named(name: string, found: Quantization | undefined): [string, Quantization][] {
  return found ? [[name, found]] : [];
}

function quantizationOf(value: Value): Quantization | undefined {
  const type = value.type.kind === 'tensor' ? quantOf(value.type as TensorType) : undefined;
  return type?.params ? describe(type) : undefined;
}

function describe({ storage, params, granularity }: QuantType): Quantization {
  const scales = params?.scale ?? [];
  const [first = 1] = scales;
  const axis = 'axis' in granularity ? granularity.axis : 0;
  const range = () => ({ axis, min: Math.min(...scales), max: Math.max(...scales) });
  return { storage, scale: scales.length === 1 ? first : range(), zeroPoint: params?.zeroPoint[0] ?? 0 };
}

/** The codes that a float value becomes, through ops that only move elements. */
function codesBelow(value: Value): Quantization | undefined {
  const own = quantizationOf(value);
  if (own) return own;
  for (const user of value.users) {
    const [result] = user.results;
    const passes = user.name === 'quant.qcast' || user.definition.typing === 'moves';
    const found = result && passes && user.operands[0] === value ? codesBelow(result) : undefined;
    if (found) return found;
  }
  return undefined;
}

/** The codes that a float value is made of, through ops that only move elements. */
function codesAbove(value: Value): Quantization | undefined {
  const own = quantizationOf(value);
  if (own) return own;
  const { op } = value;
  const passes = op?.name === 'quant.dcast' || op?.definition.typing === 'moves';
  return op?.operands[0] && passes ? codesAbove(op.operands[0]) : undefined;
}
