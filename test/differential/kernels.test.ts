import { describe, it } from 'vitest';
import { cases } from './cases.ts';
import { check, ways } from './ways.ts';

/** Every case in one of the ways, by turns; kernels.slow.test.ts runs all in all. */
describe.each(ways.map((way, turn) => ({ way, turn, name: way.name })))('on $name', ({ way, turn }) => {
  it.each(cases.filter((_, i) => i % ways.length === turn))('$name', (one) => check(way, one));
});
