import { type DType, typedArrayOf } from '../src/support/tensor.ts';

/** What declarations say about an input, output or state. */
export interface TypedTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
  readonly length: number;
  readonly quantization?: { readonly scale: number; readonly zeroPoint: number };
}

/** What a loaded model says of itself: see ModelSignature in runtime/tensors.ts. */
export type ModelSignature = Readonly<
  Record<'inputs' | 'outputs' | 'states', readonly Omit<TypedTensor, 'length'>[]> & {
    sizes: readonly { readonly name: string; readonly min: number; readonly max: number; readonly grows: boolean }[];
  }
>;

/** A property name in TypeScript: quoted, so that any name of the model is one. */
export const quoted = (name: string) => JSON.stringify(name).replaceAll('<', '\\u003c');

function tensorDoc({ dtype, shape, length, quantization }: TypedTensor): string {
  const scale = quantization ? `; real = (code − ${quantization.zeroPoint}) · ${quantization.scale}` : '';
  const most = shape.every((size) => typeof size === 'number') ? '' : 'at most ';
  return `${dtype}, shape [${shape.join(', ')}], ${most}${length} element${length === 1 ? '' : 's'}${scale}`;
}

export function tensorInterface(name: string, summary: string, tensors: readonly TypedTensor[]): string[] {
  const properties = tensors.flatMap((tensor) => [
    `  /** ${tensorDoc(tensor)} */`,
    `  ${quoted(tensor.name)}: ${typedArrayOf(tensor.dtype).name};`,
  ]);
  return [`/** ${summary} */`, `export interface ${name} {`, ...properties, '}', ''];
}

function signatureType(tensors: readonly TypedTensor[]): string {
  const one = ({ name, dtype, shape, quantization }: TypedTensor) => {
    const scale = quantization ? '; readonly quantization: { readonly scale: number; readonly zeroPoint: number }' : '';
    return `{ readonly name: ${quoted(name)}; readonly dtype: '${dtype}'; readonly shape: readonly [${shape.map((size) => (typeof size === 'number' ? size : JSON.stringify(size))).join(', ')}]${scale} }`;
  };
  return `readonly [${tensors.map(one).join(', ')}]`;
}

/** The property `signature` of a model. */
export function signatureProperty(
  { inputs, outputs, states }: Record<'inputs' | 'outputs' | 'states', readonly TypedTensor[]>,
  sizes: readonly { readonly name: string }[],
): string[] {
  const bounds = ({ name }: { readonly name: string }) =>
    `{ readonly name: ${quoted(name)}; readonly min: number; readonly max: number; readonly grows: boolean }`;
  return [
    '  /** Names, element types and shapes; what stays in the model between runs; and the sizes that a run may have. */',
    '  readonly signature: {',
    `    readonly inputs: ${signatureType(inputs)};`,
    `    readonly outputs: ${signatureType(outputs)};`,
    `    readonly states: ${signatureType(states)};`,
    `    readonly sizes: readonly [${sizes.map(bounds).join(', ')}];`,
    '  };',
  ];
}
