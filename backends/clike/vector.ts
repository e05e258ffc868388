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
  const others = printer.take(op.operand(1));
  return printer.take(op.operand(0)).flatMap((lane, i) => [lane, others[i] as Expression]);
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

/** accumulator + Σ weight · activation, product by product; 8 and 16 bits multiply in 32. */
const dot: VectorPrinter = (printer, op) => {
  const name = vector.dot.attributesOf(op).intrinsic;
  const intrinsic = Object.hasOwn(intrinsics, name) ? intrinsics[name as IntrinsicName] : undefined;
  invariant(intrinsic, `there is no intrinsic '${name}'`);
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
]);
