import {
  type Attribute,
  type Attributes,
  DimExpr,
  granularityText,
  layoutText,
  type QuantParams,
  type QuantType,
  Resource,
  type TensorType,
  type Type,
} from '../ir/index.ts';
import { isQuantParams, isType } from './attributeKinds.ts';
import { attributeDimText, shapeDimText } from './dims.ts';
import { nameText, wordText } from './names.ts';
import { f32Text, numberText } from './numbers.ts';
import type { SymbolTable } from './symbolTable.ts';

/** Prints types and attributes under one module's `@names`. */
export class AttributePrinter {
  readonly #symbols: SymbolTable;
  readonly #types = new Map<Type, string>();

  constructor(symbols: SymbolTable) {
    this.#symbols = symbols;
  }

  type(type: Type): string {
    let text = this.#types.get(type);
    if (text === undefined) {
      text = type.kind === 'tensor' ? this.#tensor(type) : type.key;
      this.#types.set(type, text);
    }
    return text;
  }

  attribute(value: Attribute): string {
    if (typeof value === 'number') return numberText(value);
    if (typeof value === 'boolean') return String(value);
    if (typeof value === 'string') return JSON.stringify(value);
    if (value instanceof DimExpr) return attributeDimText(value);
    if (value instanceof Resource) return `@${nameText(this.#symbols.resources.get(value) as string)}`;
    if (Array.isArray(value)) return `[${value.map((one: Attribute) => this.attribute(one)).join(', ')}]`;
    if (isType(value)) return this.type(value);
    if (isQuantParams(value)) return `@${this.#symbols.params.get(value)}`;
    return this.dictionary(value as Attributes);
  }

  dictionary(values: Attributes): string {
    const entries = Object.entries(values).flatMap(([key, value]) =>
      value === undefined ? [] : [`${wordText(key)} = ${this.attribute(value)}`],
    );
    return `{${entries.join(', ')}}`;
  }

  #tensor({ shape, element, layout }: TensorType): string {
    const dims = shape.map(shapeDimText).join('');
    const elementText = typeof element === 'string' ? element : this.#quant(element);
    return `tensor<${dims}${elementText}${layout ? `, ${layoutText(layout)}` : ''}>`;
  }

  #quant({ storage, expressed, scheme, granularity, params }: QuantType): string {
    const parts = [`${storage}:${expressed}`];
    if (scheme !== 'affine') parts.push(scheme.replaceAll('-', '_'));
    if (granularity.kind !== 'tensor') parts.push(granularityText(granularity));
    if (params) parts.push(`@${this.#symbols.params.get(params)}`);
    return `!quant${params ? '' : '.pending'}<${parts.join(', ')}>`;
  }
}

/** `{scale = […], zero_point = […], levels = […], widths = […]}`; zero points are left out when all are 0. */
export function paramsText({ scale, zeroPoint, levels, widths }: QuantParams): string {
  const parts = [`scale = [${scale.map(f32Text).join(', ')}]`];
  if (zeroPoint.some((z) => !Object.is(z, 0))) parts.push(`zero_point = [${zeroPoint.map(numberText).join(', ')}]`);
  if (levels) parts.push(`levels = [${levels.map(numberText).join(', ')}]`);
  if (widths) parts.push(`widths = [${widths.map(numberText).join(', ')}]`);
  return `{${parts.join(', ')}}`;
}
