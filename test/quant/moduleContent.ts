import { constant } from '../../dialects/nn/constant.ts';
import type { Module } from '../../src/ir/index.ts';

/** What a module computes, op by op, without names: kinds, types, attributes and the bytes of constants, sorted. */
export function contentOf(module: Module): string[] {
  const texts = [...module.main.body.ops()].map((op) => {
    const types = op.results.map(({ type }) => type.key).join();
    if (constant.is(op)) return `constant ${constant.attributesOf(op).value.hash} ${types}`;
    return `${op.name} (${op.operands.map((value) => value?.type.key)}) -> ${types} ${JSON.stringify(op.attributes)}`;
  });
  return texts.sort();
}
