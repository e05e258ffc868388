import type { HostTensor } from '../support/tensor.ts';

/** Values of a tensor that are shown. */
const shown = 8;

/** An output in a few lines: type, shape, first values, and the five largest elements of a vector. */
export function tensorText(name: string, { dtype, shape, data }: HostTensor): string {
  const values = Array.from(data as ArrayLike<number | bigint>);
  const more = values.length > shown ? ', …' : '';
  const lines = [
    `${name}: ${dtype} [${shape.join(', ')}]`,
    `  ${values.slice(0, shown).map(numberText).join(', ')}${more}`,
  ];
  if (isVector(shape)) {
    const best = values.map((value, index) => ({ value, index })).sort((a, b) => order(a.value, b.value));
    lines.push(
      `  largest: ${best
        .slice(0, 5)
        .map(({ value, index }) => `${index} (${numberText(value)})`)
        .join(', ')}`,
    );
  }
  return lines.join('\n');
}

/** One axis of several elements; a tie goes to the lower index, since sorting is stable. */
function isVector(shape: readonly number[]): boolean {
  return shape.filter((size) => size !== 1).length === 1 && (shape.find((size) => size !== 1) as number) > 1;
}

function order(a: number | bigint, b: number | bigint): number {
  return a < b ? 1 : a > b ? -1 : 0;
}

function numberText(value: number | bigint): string {
  return typeof value === 'bigint' ? `${value}` : `${Number(value.toPrecision(6))}`;
}
