import type { Attribute } from './attribute.ts';
import { type Dim, DimExpr } from './dim.ts';
import { Resource } from './resource.ts';

/** What an attribute may hold. An attribute without default and not `optional` must be given. */
export interface AttributeSpec<T extends Attribute> {
  /** As documentation and errors name it. */
  readonly kind: string;
  readonly optional: boolean;
  readonly default: T | undefined;
  readonly accepts: (value: Attribute) => boolean;
}

/** An attribute that is present: given, or filled in with its default. */
export interface PresentAttribute<T extends Attribute> extends AttributeSpec<T> {
  readonly optional: false;
}

type ValueOf<S> = S extends PresentAttribute<infer T> ? T : S extends AttributeSpec<infer T> ? T | undefined : never;

/** Attribute values by name: defaulted and required ones are present, optional ones may be undefined. */
export type AttributeValues<A> = { readonly [K in keyof A]: ValueOf<A[K]> };

const isList = (test: (v: Attribute) => boolean) => (value: Attribute) => Array.isArray(value) && value.every(test);
const isInt = (v: Attribute) => typeof v === 'number' && Number.isInteger(v);
const isNumber = (v: Attribute) => typeof v === 'number';
const isDim = (v: Attribute) => isInt(v) || v instanceof DimExpr;

interface Maker<T extends Attribute> {
  /** Required, or with a default. */
  (fallback?: T): PresentAttribute<T>;
  optional(): AttributeSpec<T>;
}

function maker<T extends Attribute>(kind: string, accepts: (value: Attribute) => boolean): Maker<T> {
  const make = (fallback?: T): PresentAttribute<T> => ({ kind, optional: false, default: fallback, accepts });
  return Object.assign(make, { optional: () => ({ kind, optional: true, default: undefined, accepts }) });
}

/** The kinds of attributes that an op may declare. */
export const attr: {
  int: Maker<number>;
  float: Maker<number>;
  bool: Maker<boolean>;
  string: Maker<string>;
  ints: Maker<readonly number[]>;
  floats: Maker<readonly number[]>;
  dims: Maker<readonly Dim[]>;
  strings: Maker<readonly string[]>;
  resource: Maker<Resource>;
  any: Maker<Attribute>;
  oneOf: <const W extends string>(words: readonly W[], fallback?: W) => PresentAttribute<W>;
} = {
  int: maker<number>('int', isInt),
  float: maker<number>('float', isNumber),
  bool: maker<boolean>('bool', (v) => typeof v === 'boolean'),
  string: maker<string>('string', (v) => typeof v === 'string'),
  ints: maker<readonly number[]>('ints', isList(isInt)),
  floats: maker<readonly number[]>('floats', isList(isNumber)),
  dims: maker<readonly Dim[]>('dims', isList(isDim)),
  strings: maker<readonly string[]>(
    'strings',
    isList((v) => typeof v === 'string'),
  ),
  resource: maker<Resource>('resource', (v) => v instanceof Resource),
  any: maker<Attribute>('any', () => true),
  oneOf: (words, fallback) => ({
    kind: words.join('|'),
    optional: false,
    default: fallback,
    accepts: (v) => typeof v === 'string' && (words as readonly string[]).includes(v),
  }),
};
