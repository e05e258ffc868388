import { vector } from '../../dialects/kernel/index.ts';
import type { Op, OpDefinition, ScalarType, Value } from '../../src/ir/index.ts';
import { invariant } from '../../src/support/diagnostics.ts';
import { type IntrinsicName, intrinsics } from '../../src/target/index.ts';
import type { BodyPrinter } from './body.ts';
import { binary, type Expression, precedence, sum } from './expression.ts';
import { lanewisePrinters } from './lanewise.ts';
import type { Language } from './language.ts';

/** The lanes of an op's result. An operand whose lanes are written more than once is named first. */
type VectorPrinter = (printer: BodyPrinter, op: Op) => readonly Expression[];

const elementOf = (value: Value): ScalarType => (value.type as { element: ScalarType }).element;

function joined(language: Language, name: 'add' | 'min' | 'max', element: ScalarType, x: Expression, y: Expression) {
  return lanewisePrinters[name](language, { args: [x, y], from: element, to: element, attributes: {} });
}

const splat: VectorPrinter = (printer, op) => {
  const [value] = printer.takeNamed(op.operand(0)) as [Expression];
  const { type } = op.result;
  return Array.from({ length: type.kind === 'vec' ? type.lanes : 1 }, () => value);
};

const concat: VectorPrinter = (printer, op) => op.operands.flatMap((_, i) => printer.take(op.operand(i)));

const slice: VectorPrinter = (printer, op) => {
  const { offset } = vector.slice.attributesOf(op);
  const { type } = op.result;
  return printer.take(op.operand(0)).slice(offset, offset + (type.kind === 'vec' ? type.lanes : 1));
};

const interleave: VectorPrinter = (printer, op) => {
  const { group } = vector.interleave.attributesOf(op);
  const [a, b] = [0, 1].map((i) => printer.take(op.operand(i))) as [readonly Expression[], readonly Expression[]];
  return Array.from({ length: a.length / group }, (_, turn) => {
    const from = turn * group;
    return [...a.slice(from, from + group), ...b.slice(from, from + group)];
  }).flat();
};

const addPairs: VectorPrinter = (printer, op) => {
  const lanes = [0, 1].flatMap((i) => printer.take(op.operand(i)));
  const element = elementOf(op.result);
  return Array.from({ length: lanes.length / 2 }, (_, i) =>
    joined(printer.language, 'add', element, lanes[2 * i] as Expression, lanes[2 * i + 1] as Expression),
  );
};

const reduce: VectorPrinter = (printer, op) => {
  const name = vector.reduce.attributesOf(op).op;
  let lanes = printer.take(op.operand(0));
  while (lanes.length > 1) {
    const half = lanes.slice(lanes.length / 2);
    lanes = half.map((right, i) => joined(printer.language, name, elementOf(op.result), lanes[i] as Expression, right));
  }
  return lanes;
};

const splitWord: VectorPrinter = (printer, op) => {
  const { language } = printer;
  const [word] = printer.takeNamed(op.operand(0)) as [Expression];
  const { type } = op.result;
  const lanes = type.kind === 'vec' ? type.lanes : 1;
  return Array.from({ length: lanes }, (_, lane) => {
    const shift = language.literal((lane * 32) / lanes, 'index');
    const moved = lane === 0 ? word : binary(word, '>>', shift, precedence.shift);
    return language.cast(moved, 'u32', elementOf(op.result));
  });
};

/** Lanes of 8 or 16 bits in one word. */
function joined32({ language }: BodyPrinter, lanes: readonly Expression[], from: ScalarType): Expression {
  const unsigned: ScalarType = lanes.length === 4 ? 'u8' : 'u16';
  const parts = lanes.map((lane, i) => {
    const bits = language.cast(language.cast(lane, from, unsigned), unsigned, 'u32');
    const shift = language.literal((i * 32) / lanes.length, 'index');
    return i === 0 ? bits : binary(bits, '<<', shift, precedence.shift);
  });
  return parts.reduce((a, b) => ({ ...binary(a, '|', b, precedence.bitOr), precedence: precedence.bitOr }));
}

const joinWord: VectorPrinter = (printer, op) => [
  joined32(printer, printer.takeNamed(op.operand(0)), elementOf(op.operand(0))),
];

/** The word that holds a vector of bytes: that which it was split from, where it was. */
export function wordOf(printer: BodyPrinter, value: Value): Expression {
  if (vector.splitWord.is(value.op)) return printer.take(value.op.operand(0))[0] as Expression;
  return joined32(printer, printer.takeNamed(value), elementOf(value));
}

/** accumulator + Σ weight · activation, product by product; 8 and 16 bits multiply in 32. */
const dot: VectorPrinter = (printer, op) => {
  const name = vector.dot.attributesOf(op).intrinsic;
  const intrinsic = Object.hasOwn(intrinsics, name) ? intrinsics[name as IntrinsicName] : undefined;
  invariant(intrinsic, `there is no intrinsic '${name}'`);
  if (name === intrinsics.dot4_i8.name && printer.language.dot4) {
    const [start] = printer.take(op.operand(0)) as [Expression];
    return [printer.language.dot4(start, wordOf(printer, op.operand(1)), wordOf(printer, op.operand(2)))];
  }
  if (name === intrinsics.dot_i8x4.name && printer.language.codeWords) {
    const [start, w, x] = [0, 1, 2].flatMap((i) => printer.take(op.operand(i))) as [Expression, Expression, Expression];
    return [printer.language.codeWords.dot(start, w, x)];
  }
  const [accumulator, weights, activations] = [0, 1, 2].map((i) => printer.take(op.operand(i))) as [
    readonly Expression[],
    readonly Expression[],
    readonly Expression[],
  ];
  const { language } = printer;
  const from = elementOf(op.operand(1));
  const to = elementOf(op.result);
  const wide = (e: Expression) => (from === to ? e : language.cast(e, from, to));
  return accumulator.map((start, lane) => {
    let total = start;
    for (let i = lane * intrinsic.depth; i < (lane + 1) * intrinsic.depth; i++) {
      const product = binary(
        wide(weights[i] as Expression),
        '*',
        wide(activations[i] as Expression),
        precedence.multiplicative,
      );
      total = to === 'f32' ? sum(total, product) : joined(language, 'add', to, total, product);
    }
    return total;
  });
};

/** The ops that rearrange or join lanes. */
export const vectorPrinters: ReadonlyMap<OpDefinition, VectorPrinter> = new Map<OpDefinition, VectorPrinter>([
  [vector.splat, splat],
  [vector.concat, concat],
  [vector.slice, slice],
  [vector.interleave, interleave],
  [vector.addPairs, addPairs],
  [vector.reduce, reduce],
  [vector.dot, dot],
  [vector.splitWord, splitWord],
  [vector.joinWord, joinWord],
]);
