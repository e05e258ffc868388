import { didYouMean, QcError } from '../../support/diagnostics.ts';
import { type DType, isDType } from '../../support/tensor.ts';
import type { InputSignature } from './signature.ts';

/** What the caller really passes for an input, and how it becomes the model's value: v·scale + offset, in f32. */
export interface InputFormat {
  readonly input: string;
  /** Element type that the caller passes. */
  readonly dtype: DType;
  /** One value, or one a channel. */
  readonly scale: readonly number[];
  readonly offset: readonly number[];
  /** 'nhwc': the caller passes [N, H, W, C] where the model takes [N, C, H, W]; 'model': the model's own order. */
  readonly layout: 'model' | 'nhwc';
}

const passable: readonly DType[] = ['u8', 'i8', 'u16', 'i16', 'i32', 'f32'];
const keys = ['scale', 'offset', 'mean', 'std', 'layout'];
const example = 'for example input:u8,scale=1/255 or input:u8,mean=127,std=128,layout=nhwc';

/**
 * Parses `NAME:TYPE[,scale=…][,offset=…][,mean=…][,std=…][,layout=nhwc]`. A list has one number a channel, as in
 * `mean=123.7,116.3,103.5`; a number is a decimal or a fraction `1/255`. With mean and std the value is
 * (v·scale − mean)/std. @throws QcError
 */
export function parseInputFormat(text: string, signature: readonly InputSignature[]): InputFormat {
  const fail = (what: string, why?: string) =>
    new QcError({ what, where: `--input-format ${text}`, why, help: `write ${example}` });
  // Names may contain colons ('input:0'): the type follows the last one.
  const head = text.split(',', 1)[0] ?? '';
  const colon = head.lastIndexOf(':');
  if (colon < 1) throw fail('the input format has no NAME:TYPE');
  const input = text.slice(0, colon);
  const names = signature.map(({ name }) => name);
  if (!names.includes(input)) {
    const near = didYouMean(input, names);
    throw fail(`the model has no input '${input}'`, `its inputs are ${names.join(', ')}${near ? `; '${near}'?` : ''}`);
  }
  const dtype = head.slice(colon + 1);
  if (!isDType(dtype) || !passable.includes(dtype)) {
    throw fail(`'${dtype}' is no type that a caller can pass`, `it is one of ${passable.join(', ')}`);
  }
  const values = splitKeys(text.slice(head.length + 1), fail);
  const numbers = (key: string) => values.get(key)?.map((word) => parseNumber(word, fail));
  const [layout = 'model', ...more] = values.get('layout') ?? [];
  if ((layout !== 'nhwc' && layout !== 'model') || more.length > 0) throw fail(`layout '${layout}' is not known`);
  if (values.has('offset') && (values.has('mean') || values.has('std'))) {
    throw fail('offset and mean or std are given together', 'they are two ways to say the same');
  }
  const scale = numbers('scale') ?? [1];
  const std = numbers('std') ?? [1];
  const mean = numbers('mean') ?? [0];
  if (std.includes(0)) throw fail('std is 0', 'values are divided by it');
  const combine = (a: readonly number[], b: readonly number[], f: (x: number, y: number) => number) => {
    const length = Math.max(a.length, b.length);
    if ((a.length !== 1 && a.length !== length) || (b.length !== 1 && b.length !== length)) {
      throw fail('the lists have different lengths', `${a.length} and ${b.length} channels`);
    }
    return Array.from({ length }, (_, i) => f(a[a.length === 1 ? 0 : i] ?? 0, b[b.length === 1 ? 0 : i] ?? 0));
  };
  return {
    input,
    dtype,
    scale: combine(scale, std, (s, d) => s / d),
    // −mean/std without a negative zero.
    offset: numbers('offset') ?? combine(mean, std, (m, d) => (m === 0 ? 0 : -m / d)),
    layout,
  };
}

type Fail = (what: string, why?: string) => QcError;

/** The values of each key; a piece without `=` continues the list before it. */
function splitKeys(text: string, fail: Fail): Map<string, string[]> {
  const values = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const piece of text === '' ? [] : text.split(',')) {
    const equals = piece.indexOf('=');
    if (equals < 0) {
      if (!current) throw fail(`'${piece}' has no key`, `keys are ${keys.join(', ')}`);
      current.push(piece);
      continue;
    }
    const key = piece.slice(0, equals);
    if (!keys.includes(key)) throw fail(`'${key}' is no key of an input format`, `keys are ${keys.join(', ')}`);
    if (values.has(key)) throw fail(`${key} is given twice`);
    current = [piece.slice(equals + 1)];
    values.set(key, current);
  }
  return values;
}

function parseNumber(word: string, fail: Fail): number {
  const parts = word.split('/');
  const decimal = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/;
  const [numerator, denominator = 1] = parts.map((part) => (decimal.test(part) ? Number(part) : Number.NaN));
  const value = (numerator ?? Number.NaN) / denominator;
  if (parts.length > 2 || !Number.isFinite(value)) throw fail(`'${word}' is no number`);
  return value;
}
