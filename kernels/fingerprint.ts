import type { Attribute, Block, Func, Value } from '../src/ir/index.ts';

/** Text that is the same for two kernels exactly when they do the same to their arguments. */
export function fingerprint(func: Func): string {
  const numbers = new Map<Value, number>();
  const number = (value: Value): number => {
    const known = numbers.get(value);
    if (known !== undefined) return known;
    numbers.set(value, numbers.size);
    return numbers.size - 1;
  };
  const lines: string[] = [];
  const visit = (block: Block): void => {
    lines.push(`^${block.args.map((arg) => `${number(arg)}:${arg.type.key}`).join()}`);
    for (const op of block.ops()) {
      const operands = op.operands.map((v) => (v ? number(v) : '_')).join();
      const results = op.results.map((r) => `${number(r)}:${r.type.key}`).join();
      lines.push(`${results}=${op.name}(${operands})${JSON.stringify(op.attributes, plain)}`);
      op.regions.forEach(visit);
      if (op.regions.length > 0) lines.push('$');
    }
  };
  visit(func.body);
  return lines.join('\n');
}

/** Numbers that JSON would lose. */
function plain(_key: string, value: Attribute): unknown {
  if (typeof value !== 'number') return value;
  return Number.isFinite(value) && !Object.is(value, -0) ? value : String(Object.is(value, -0) ? '-0' : value);
}
