import { elementOf, type LanewiseName, lanesOf, lanewisePrimitives, vector } from '../../../dialects/kernel/index.ts';
import * as memory from '../../../dialects/kernel/memory.ts';
import * as structure from '../../../dialects/kernel/structure.ts';
import { bytesOf, type Op, type OpDefinition, type Value } from '../../../src/ir/index.ts';
import { InternalError } from '../../../src/support/diagnostics.ts';
import type { BodyPrinter } from '../../clike/body.ts';
import { binary, type Expression, precedence, primary, sum } from '../../clike/expression.ts';
import type { VectorLanguage } from '../../clike/vectorLanguage.ts';
import { type CSupport, cLanguage } from '../language.ts';
import type { Level } from './levels.ts';
import { VectorOperations, whole } from './operations.ts';
import { maskShape, piecesOf, type Shape } from './shape.ts';

type Printer = (context: Context, op: Op) => readonly Expression[];

interface Context {
  readonly printer: BodyPrinter;
  readonly operations: VectorOperations;
  readonly support: CSupport;
  readonly signMask: number;
  readonly pieces: (value: Value) => { readonly shape: Shape; readonly count: number };
}

const isVector = (value: Value): boolean => value.type.kind === 'vec';
const call = (name: string, args: readonly Expression[]): Expression =>
  primary(`${name}(${args.map(({ text }) => text).join(', ')})`, args);
const times = (count: number, of: (i: number) => Expression): Expression[] =>
  Array.from({ length: count }, (_, i) => of(i));

const lanewiseNames = new Map<OpDefinition, LanewiseName>(
  (Object.keys(lanewisePrimitives) as LanewiseName[]).map((name) => [lanewisePrimitives[name].definition, name]),
);

/** A mask with lanes as wide as those that it is applied to. */
function maskOf({ printer, operations, pieces }: Context, value: Value, like: Shape, count: number) {
  const shape = maskShape(like);
  const held = pieces(value).shape;
  const parts = printer.takeNamed(value);
  const each = shape.lanes / held.lanes;
  if (each > 1) {
    const helper = operations.lanewise('convert', [{ ...whole(held), parts: each }], shape, false, {});
    return { shape, count, lanes: times(count, (r) => call(helper, parts.slice(r * each, (r + 1) * each))) };
  }
  const lanes = times(count, (r) => {
    const at = r * shape.lanes;
    const argument = { ...whole(held), offset: at % held.lanes };
    const helper = operations.lanewise('convert', [argument], shape, false, {});
    return call(helper, [parts[Math.floor(at / held.lanes)] as Expression]);
  });
  return { shape, count, lanes };
}

/** Each piece of the result from the pieces, or parts of pieces, that hold the same lanes of the operands. */
const lanewise =
  (name: LanewiseName): Printer =>
  (context, op) => {
    const { printer, operations, pieces } = context;
    const { shape, count } = pieces(op.result);
    const given = op.operands.map((_, i) => {
      const value = op.operand(i);
      const held = pieces(value);
      if (elementOf(value) === 'i1' && bytesOf(held.shape.element) !== bytesOf(shape.element)) {
        return { ...maskOf(context, value, shape, count), isMask: true };
      }
      const shared = held.shape.lanes > shape.lanes && held.count < count;
      return {
        ...held,
        isMask: elementOf(value) === 'i1',
        lanes: shared ? printer.takeNamed(value) : printer.take(value),
      };
    });
    const makesMask = elementOf(op.result) === 'i1';
    return times(count, (r) => {
      const args = given.map(({ shape: { lanes }, ...arg }) => {
        const parts = Math.max(1, shape.lanes / lanes);
        const offset = lanes > shape.lanes ? (r * shape.lanes) % lanes : 0;
        const first = parts > 1 ? r * parts : Math.floor((r * shape.lanes) / lanes);
        return { parts, offset, isMask: arg.isMask, expressions: arg.lanes.slice(first, first + parts) };
      });
      const described = args.map(({ parts, offset, isMask }, i) => ({
        ...{ shape: given[i]?.shape as Shape, parts, offset, isMask },
      }));
      const helper = operations.lanewise(name, described, shape, makesMask, op.attributes);
      return call(
        helper,
        args.flatMap(({ expressions }) => expressions),
      );
    });
  };

const constant: Printer = ({ support, operations, pieces }, op) => {
  const { shape, count } = pieces(op.result);
  const { value: number } = structure.constant.attributesOf(op);
  const value = cLanguage(support).literal(elementOf(op.result) === 'i1' ? -number : number, shape.element);
  return times(count, () => call(operations.splat(shape), [value]));
};

const splat: Printer = ({ printer, operations, pieces }, op) => {
  const { shape, count } = pieces(op.result);
  const [given] = printer.takeNamed(op.operand(0)) as [Expression];
  const value = elementOf(op.result) === 'i1' ? primary(`${given.text} ? -1 : 0`, [given]) : given;
  return times(count, () => call(operations.splat(shape), [value]));
};

/** Where an element of a buffer is. */
function address(support: CSupport, buffer: string, index: Expression, by: number): Expression {
  const literal = (value: number) => cLanguage(support).literal(value, 'index');
  const place = index.literal !== undefined ? literal(index.literal + by) : by === 0 ? index : sum(index, literal(by));
  return place.literal === 0 ? primary(buffer) : binary(primary(buffer), '+', place, precedence.additive);
}

const load: Printer = ({ printer, support, operations, pieces }, op) => {
  const { shape, count } = pieces(op.result);
  const buffer = printer.bufferName(op.operand(0));
  const [index] = (count > 1 ? printer.takeNamed(op.operand(1)) : printer.take(op.operand(1))) as [Expression];
  const helper = operations.load(shape);
  return times(count, (r) => ({ ...call(helper, [address(support, buffer, index, r * shape.lanes)]), reads: true }));
};

const loadSplat: Printer = ({ printer, support, operations, pieces }, op) => {
  const { shape, count } = pieces(op.result);
  const { group } = memory.loadSplat.attributesOf(op);
  const buffer = printer.bufferName(op.operand(0));
  const [index] = printer.takeNamed(op.operand(1)) as [Expression];
  if (group >= shape.lanes) {
    const helper = operations.load(shape);
    return times(count, (r) => ({
      ...call(helper, [address(support, buffer, index, (r * shape.lanes) % group)]),
      reads: true,
    }));
  }
  const helper = operations.loadSplat(shape, group);
  return times(count, () => ({ ...call(helper, [address(support, buffer, index, 0)]), reads: true }));
};

const table: Printer = ({ printer, operations, pieces }, op) => {
  const { shape, count } = pieces(op.result);
  const buffer = primary(printer.bufferName(op.operand(0)));
  const held = pieces(op.operand(1)).shape;
  const indices = printer.takeNamed(op.operand(1));
  return times(count, (r) => {
    const at = r * shape.lanes;
    const helper = operations.table(held, shape, at % held.lanes);
    return { ...call(helper, [buffer, indices[Math.floor(at / held.lanes)] as Expression]), reads: true };
  });
};

/** Neighbours joined two by two until there are `count` of them. */
function joined(
  operations: VectorOperations,
  parts: readonly Expression[],
  shape: Shape,
  count: number,
): readonly Expression[] {
  if (parts.length === count) return parts;
  const helper = operations.join(shape);
  const next = times(parts.length / 2, (i) => call(helper, parts.slice(2 * i, 2 * i + 2)));
  return joined(operations, next, { ...shape, lanes: 2 * shape.lanes }, count);
}

const concat: Printer = ({ printer, operations, pieces }, op) => {
  const parts = op.operands.flatMap((_, i) => printer.take(op.operand(i)));
  if (!isVector(op.operand(0))) throw new InternalError('vectors of scalars are made by splat');
  return joined(operations, parts, pieces(op.operand(0)).shape, pieces(op.result).count);
};

const slice: Printer = ({ printer, operations, pieces }, op) => {
  const { offset } = vector.slice.attributesOf(op);
  const held = pieces(op.operand(0)).shape;
  const from = printer.takeNamed(op.operand(0));
  const lanes = lanesOf(op.result);
  const piece = from[Math.floor(offset / held.lanes)] as Expression;
  if (lanes === 1) return [primary(`QC_LANE(${piece.text}, ${offset % held.lanes})`, [piece])];
  const { shape, count } = pieces(op.result);
  if (shape.lanes === held.lanes) return from.slice(offset / held.lanes, offset / held.lanes + count);
  return [call(operations.part(held, shape, offset % held.lanes), [piece])];
};

const interleave: Printer = ({ printer, operations, pieces }, op) => {
  const { shape, count } = pieces(op.result);
  const { group } = vector.interleave.attributesOf(op);
  const held = pieces(op.operand(0)).shape;
  const [a, b] = [printer.takeNamed(op.operand(0)), printer.takeNamed(op.operand(1))];
  return times(count, (r) => {
    const from = (r * shape.lanes) / 2;
    const piece = Math.floor(from / held.lanes);
    const helper = operations.interleave(held, shape, from % held.lanes, group);
    return call(helper, [a[piece] as Expression, b[piece] as Expression]);
  });
};

const swizzle: Printer = ({ printer, operations, pieces }, op) => {
  const [tables, indices] = [printer.take(op.operand(0)), printer.take(op.operand(1))];
  const helper = operations.swizzle(pieces(op.operand(1)).shape, pieces(op.result).shape);
  return indices.map((index, i) => call(helper, [tables[i] as Expression, index]));
};

const addPairs: Printer = ({ printer, operations, pieces }, op) => {
  const { shape, count } = pieces(op.result);
  const parts = [0, 1].flatMap((i) => printer.takeNamed(op.operand(i)));
  return times(count, (r) => call(operations.addPairs(shape), parts.slice(2 * r, 2 * r + 2)));
};

const reduce: Printer = ({ printer, operations, pieces }, op) => {
  const name = vector.reduce.attributesOf(op).op;
  const { shape } = pieces(op.operand(0));
  let parts = printer.take(op.operand(0));
  while (parts.length > 1) {
    const half = parts.length / 2;
    const helper = operations.lanewise(name, [whole(shape), whole(shape)], shape, false, {});
    parts = times(half, (i) => call(helper, [parts[i] as Expression, parts[i + half] as Expression]));
  }
  return [call(operations.reduce(shape, name), parts)];
};

const dot: Printer = (context, op) => {
  const { printer, operations, pieces } = context;
  const { intrinsic } = vector.dot.attributesOf(op);
  const [sums, weights, activations] = [0, 1, 2].map((i) => printer.take(op.operand(i))) as [
    readonly Expression[],
    readonly Expression[],
    readonly Expression[],
  ];
  const helper = operations.dot(
    intrinsic,
    pieces(op.operand(1)).shape,
    pieces(op.operand(2)).shape,
    pieces(op.result).shape,
    context.signMask !== 0,
  );
  return sums.map((part, i) => call(helper, [part, weights[i] as Expression, activations[i] as Expression]));
};

const printers = new Map<OpDefinition, Printer>([
  ...[...lanewiseNames].map(([definition, name]): [OpDefinition, Printer] => [definition, lanewise(name)]),
  [structure.constant, constant],
  [memory.load, load],
  [memory.loadSplat, loadSplat],
  [memory.table, table],
  [vector.splat, splat],
  [vector.concat, concat],
  [vector.slice, slice],
  [vector.interleave, interleave],
  [vector.swizzle, swizzle],
  [vector.addPairs, addPairs],
  [vector.reduce, reduce],
  [vector.dot, dot],
]);

/** Vectors as C has them at one level: calls of helpers that the file defines, on variables of at most its width. */
export function vectorLanguage(support: CSupport, { bytes, signMask }: Level): VectorLanguage {
  const operations = new VectorOperations(support);
  const pieces = (value: Value) => piecesOf(value, bytes);
  return {
    signMask,
    type: (value) => operations.type(pieces(value).shape),
    expressions(printer, op) {
      const involved = isVector(op.result) || op.operands.some((value) => value && isVector(value));
      if (!involved) return undefined;
      const print = printers.get(op.definition);
      if (!print) throw new InternalError(`${op.name} can't be printed with vectors`);
      return print({ printer, operations, support, signMask, pieces }, op);
    },
    store(parts, { value, buffer, index, lanes }) {
      const { shape } = pieces(value);
      return parts.flatMap((part, r) => {
        const rest = Math.min(shape.lanes, lanes - r * shape.lanes);
        if (rest <= 0) return [];
        const to = address(support, buffer, index, r * shape.lanes);
        return [`${operations.store(shape, rest)}(${to.text}, ${part.text});`];
      });
    },
  };
}
