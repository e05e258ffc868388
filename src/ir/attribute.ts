import type { DimExpr } from './dim.ts';
import type { QuantParams } from './quantized.ts';
import type { Resource } from './resource.ts';
import type { Type } from './types.ts';

/**
 * A compile-time value on an op. Text: `true`, `1.5`, `"text"`, `[…]`, `{key = …}`, a type, `@resource`,
 * `@params`, or a dimension such as `N`. Numbers print in the shortest form that reads back exactly.
 */
export type Attribute =
  | boolean
  | number
  | string
  | DimExpr
  | Type
  | Resource
  | QuantParams
  | readonly Attribute[]
  | { readonly [key: string]: Attribute | undefined };

export type Attributes = { readonly [key: string]: Attribute | undefined };
