import {
  type Dim,
  type ElementType,
  type Granularity,
  isScalarType,
  type Layout,
  layout,
  layoutAlias,
  type MemorySpace,
  memorySpaces,
  type QuantParams,
  quantType,
  ref,
  type ScalarType,
  type Scheme,
  scalar,
  type Type,
  tensor,
  vec,
} from '../ir/index.ts';
import { didYouMean } from '../support/diagnostics.ts';
import type { ModuleBuilder, Spelled } from './builder.ts';

/** One part of a quantized type after its element types: `axis=0`, `token`, `codebook` or `@q0`. */
export type QuantPart = { readonly word: Spelled; readonly value?: number } | { readonly params: QuantParams };

const schemes: Record<string, Scheme> = {
  affine: 'affine',
  power_of_two: 'power-of-two',
  microscaled: 'microscaled',
  codebook: 'codebook',
};
const partWords = ['axis', 'block', 'token', ...Object.keys(schemes)];
const scalarWords = [
  'f64',
  'f32',
  'f16',
  'bf16',
  'i64',
  'i32',
  'i16',
  'i8',
  'u32',
  'u16',
  'u8',
  'i1',
  'index',
  'tensor',
];

/** The scalar type that a word names. */
export function scalarOf(builder: ModuleBuilder, word: Spelled): ScalarType {
  if (isScalarType(word.text)) return word.text;
  const near = didYouMean(word.text, scalarWords);
  throw builder.error(word.offset, `there is no type '${word.text}'`, near ? `did you mean '${near}'?` : undefined);
}

export function scalarValueType(builder: ModuleBuilder, word: Spelled): Type {
  return scalar(scalarOf(builder, word));
}

/** `vec<4xf32>`. */
export function vectorType(builder: ModuleBuilder, image: Spelled): Type {
  const [, lanes = '', element = ''] = /^vec<(\d+)x(\w+)>$/.exec(image.text) ?? [];
  return vec(Number(lanes), scalarOf(builder, { text: element, offset: image.offset }));
}

export function refType(builder: ModuleBuilder, element: Spelled, space: Spelled): Type {
  if (!(memorySpaces as readonly string[]).includes(space.text)) {
    throw builder.error(space.offset, `there is no memory space '${space.text}'`, `one of ${memorySpaces.join(', ')}`);
  }
  return ref(scalarOf(builder, element), space.text as MemorySpace);
}

export function tensorType(
  builder: ModuleBuilder,
  parts: { at: number; shape: readonly Dim[]; element: ElementType; layout: Layout | undefined },
): Type {
  const { shape, element } = parts;
  if (parts.layout && !isPermutation(parts.layout.order, shape.length)) {
    throw builder.error(parts.at, `the layout does not order ${shape.length} axes`);
  }
  return tensor(shape, element, parts.layout);
}

function isPermutation(order: readonly number[], rank: number): boolean {
  return order.length === rank && new Set(order).size === rank && order.every((axis) => axis < rank);
}

/** `#nhwc` or `#order[0, 2, 1]`, with the padding after `:`. */
export function layoutOf(
  builder: ModuleBuilder,
  name: Spelled,
  order: readonly number[] | undefined,
  pad: number,
): Layout | undefined {
  const axes = name.text === '#order' ? order : layoutAlias(name.text.slice(1));
  if (axes) return layout(axes, pad);
  throw builder.error(name.offset, `there is no layout ${name.text}`, 'write #nwc, #nhwc, #ndhwc or #order[…]');
}

export function quantizedElement(
  builder: ModuleBuilder,
  spec: { at: number; pending: boolean; storage: Spelled; expressed: Spelled; parts: readonly QuantPart[] },
): ElementType {
  let scheme: Scheme = 'affine';
  let params: QuantParams | undefined;
  let axis: number | undefined;
  let block: number | undefined;
  let token = false;
  for (const part of spec.parts) {
    if ('params' in part) params = part.params;
    else if (part.word.text === 'axis') axis = part.value;
    else if (part.word.text === 'block') block = part.value;
    else if (part.word.text === 'token') token = true;
    else if (Object.hasOwn(schemes, part.word.text)) scheme = schemes[part.word.text] as Scheme;
    else {
      const near = didYouMean(part.word.text, partWords);
      const help = near ? `did you mean '${near}'?` : undefined;
      throw builder.error(part.word.offset, `a quantized type has no '${part.word.text}'`, help);
    }
  }
  if (spec.pending === (params !== undefined)) {
    const what = spec.pending ? '!quant.pending has no parameters yet' : '!quant needs its parameters';
    throw builder.error(spec.at, what, 'write !quant<i8:f32, @q0> or !quant.pending<i8:f32>');
  }
  const granularity = granularityOf(axis, block, token);
  if (!granularity) throw builder.error(spec.at, "a quantized type has 'axis=', 'axis=, block=' or 'token'");
  return quantType({
    storage: scalarOf(builder, spec.storage),
    expressed: scalarOf(builder, spec.expressed),
    scheme,
    granularity,
    params,
  });
}

function granularityOf(axis: number | undefined, size: number | undefined, token: boolean): Granularity | undefined {
  if (token) return axis === undefined && size === undefined ? { kind: 'token' } : undefined;
  if (axis === undefined) return size === undefined ? { kind: 'tensor' } : undefined;
  return size === undefined ? { kind: 'axis', axis } : { kind: 'block', axis, size };
}
