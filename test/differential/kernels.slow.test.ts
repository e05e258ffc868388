import { describe, it } from 'vitest';
import { cases } from './cases.ts';
import { check, relaxedIsExact, ways } from './ways.ts';

describe.each(ways)('on $name', (way) => {
  it.each(cases)('$name', (one) => check(way, one));
});

if (!relaxedIsExact) {
  describe('on wasm, relaxed', () => {
    it.skip('this engine has no exact relaxed dot product', () => {});
  });
}
