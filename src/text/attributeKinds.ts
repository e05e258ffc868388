import type { Attribute, QuantParams, Type } from '../ir/index.ts';

const typeKinds = new Set(['tensor', 'scalar', 'vec', 'ref']);

const isRecord = (value: Attribute): value is { [key: string]: Attribute } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether an attribute is a type. Types are frozen and carry their key. */
export function isType(value: Attribute): value is Type {
  return (
    isRecord(value) && Object.isFrozen(value) && typeof value.key === 'string' && typeKinds.has(value.kind as string)
  );
}

/** Whether an attribute is quantization parameters. They are frozen and carry their key. */
export function isQuantParams(value: Attribute): value is QuantParams {
  return isRecord(value) && Object.isFrozen(value) && typeof value.key === 'string' && Array.isArray(value.scale);
}

/** Whether two attributes say the same; numbers by bits, so that 0 and −0 differ. */
export function sameAttribute(a: Attribute | undefined, b: Attribute | undefined): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((v, i) => sameAttribute(v, b[i]));
  if (a === undefined || b === undefined || !isPlain(a) || !isPlain(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => sameAttribute(a[key], b[key]));
}

function isPlain(value: Attribute): value is { [key: string]: Attribute } {
  return (
    isRecord(value) && Object.getPrototypeOf(value) === Object.prototype && !isType(value) && !isQuantParams(value)
  );
}
