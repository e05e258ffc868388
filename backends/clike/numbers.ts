/**
 * Decimal digits of an f32. Nine always suffice; fewer are taken only when they are so near the number that reading
 * them as a double first, as JavaScript does, can't make a difference.
 */
export function singleDigits(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const near = Number(value.toPrecision(digits));
    if (Math.fround(near) === value && Math.abs(near - value) <= value * 2 ** -26) return `${near}`;
  }
  return value.toPrecision(9);
}

/** A finite f32 as decimal digits with a point or an exponent. */
export function singleText(value: number): string {
  const digits = singleDigits(Math.abs(value));
  return `${value < 0 || Object.is(value, -0) ? '-' : ''}${/^\d+$/.test(digits) ? `${digits}.0` : digits}`;
}
