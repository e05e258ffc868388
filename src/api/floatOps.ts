import { isFloat, type Module, type Type, walk } from '../ir/index.ts';

/** What a program's functions do with floats. */
export interface FloatOps {
  /** Operations on floats: arithmetic, conversions, loads and stores. */
  readonly count: number;
  /** The functions that have any. */
  readonly functions: readonly string[];
}

const isFloatType = (type: Type | undefined): boolean =>
  type !== undefined && 'element' in type && typeof type.element === 'string' && isFloat(type.element);

/** Counts in the kernels of a module. */
export function floatOpsOf(module: Module): FloatOps {
  let count = 0;
  const functions: string[] = [];
  for (const { name, kind, body } of module.functions.values()) {
    if (kind !== 'kernel') continue;
    const ops = [...walk(body)].filter((op) =>
      [...op.operands, ...op.results].some((value) => isFloatType(value?.type)),
    );
    if (ops.length === 0) continue;
    count += ops.length;
    functions.push(name);
  }
  return { count, functions };
}
