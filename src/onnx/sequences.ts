import { concat } from '../../dialects/nn/concat.ts';
import { reshape } from '../../dialects/nn/reshape.ts';
import { slice } from '../../dialects/nn/slice.ts';
import { addDim, type Dim, Value } from '../ir/index.ts';
import type { HostTensor } from '../support/tensor.ts';
import { typeOf } from './region.ts';
import { type Item, nothing, Sequence } from './scope.ts';
import type { Call, Structural } from './structural.ts';

// Sequences and optionals have no form at run time: they are followed here, and what remains are tensors.

const help = 'export the model without sequences, or with constant positions';

function sequenceAt(call: Call, i: number): Sequence {
  const item = call.item(i);
  return item instanceof Sequence ? item : call.node.refuse(`input ${i} is no sequence`);
}

/** A constant integer; undefined when the input is absent. */
function constantInt({ node, importer }: Call, i: number): number | undefined {
  const value = node.optionalInput(i);
  if (!value) return undefined;
  const [dim] = importer.state.builder.dimsOf(value) ?? [];
  return typeof dim === 'number' ? dim : node.refuse(`input ${i} depends on data`, help);
}

/** The place that a position names, from 0 to `last`. */
function placeOf(call: Call, position: number, size: number, last: number): number {
  const place = position < 0 ? position + size : position;
  return place >= 0 && place <= last
    ? place
    : call.node.refuse(`position ${position} of a sequence of ${size} tensors`);
}

function insert(call: Call): readonly Item[] {
  const { items } = sequenceAt(call, 0);
  const value = call.node.input(1);
  const position = constantInt(call, 2);
  const place = position === undefined ? items.length : placeOf(call, position, items.length, items.length);
  return [new Sequence(items.toSpliced(place, 0, value))];
}

function eraseItem(call: Call): readonly Item[] {
  const { items } = sequenceAt(call, 0);
  const place = placeOf(call, constantInt(call, 1) ?? -1, items.length, items.length - 1);
  return [new Sequence(items.toSpliced(place, 1))];
}

function at(call: Call): readonly Item[] {
  const { items } = sequenceAt(call, 0);
  return [items[placeOf(call, constantInt(call, 1) ?? 0, items.length, items.length - 1)] as Value];
}

const scalar = (value: number): HostTensor => ({ dtype: 'i64', shape: [], data: BigInt64Array.of(BigInt(value)) });

function split(call: Call): readonly Item[] {
  const { node, importer } = call;
  const x = node.input(0);
  const { shape } = typeOf(x);
  const axis = axisOf(call, node.int('axis', 0), shape.length);
  const size = shape[axis] as Dim;
  const parts = node.optionalInput(1);
  const keepdims = node.int('keepdims', 1) !== 0 || parts !== undefined;
  const sizes = partSizes(call, size, parts && importer.state.builder.dimsOf(parts), parts);
  let start: Dim = 0;
  const items = sizes.map((part) => {
    const attributes = {
      starts: shape.map((_, i) => (i === axis ? start : 0)),
      steps: shape.map(() => 1),
      sizes: shape.with(axis, part),
    };
    start = addDim(start, part);
    const taken = node.create(slice, { x }, attributes).result;
    return keepdims ? taken : node.create(reshape, { x: taken }, { shape: shape.toSpliced(axis, 1) }).result;
  });
  return [new Sequence(items)];
}

/** The sizes of parts: given one by one, or all the same but for a smaller last one. */
function partSizes(
  { node }: Call,
  size: Dim,
  given: readonly Dim[] | undefined,
  parts: Value | undefined,
): readonly Dim[] {
  if (parts && !given) return node.refuse('input 1 depends on data', help);
  const isList = parts !== undefined && typeOf(parts).shape.length === 1;
  if (isList) return given as readonly Dim[];
  const each = given?.[0] ?? 1;
  if (typeof size !== 'number' || typeof each !== 'number' || each < 1) {
    return node.refuse(`parts of ${each} of the dimension ${size}`, help);
  }
  return Array.from({ length: Math.ceil(size / each) }, (_, i) => Math.min(each, size - i * each));
}

function axisOf({ node }: Call, axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  return normal >= 0 && normal < rank ? normal : node.refuse(`axis ${axis} of a tensor of rank ${rank}`);
}

function concatenate(call: Call): readonly Item[] {
  const { node } = call;
  const { items } = sequenceAt(call, 0);
  const [first] = items;
  if (!first) return node.refuse('a sequence without tensors');
  const rank = typeOf(first).shape.length;
  const isNew = node.int('new_axis', 0) !== 0;
  const axis = axisOf(call, node.int('axis'), isNew ? rank + 1 : rank);
  const xs = isNew
    ? items.map((x) => node.create(reshape, { x }, { shape: typeOf(x).shape.toSpliced(axis, 0, 1) }).result)
    : items;
  return [xs.length === 1 ? (xs[0] as Value) : node.create(concat, { xs }, { axis }).result];
}

/** Runs the body on each element; tensors are the same for all. */
function map(call: Call): readonly Item[] {
  const { node, importer, frame } = call;
  const body = node.graph('body');
  const inputs = Array.from({ length: node.inputCount }, (_, i) => call.item(i) ?? nothing);
  const { items } = sequenceAt(call, 0);
  const results: Value[][] = body.outputs.map(() => []);
  items.forEach((_, i) => {
    const inner = importer.inside(frame, body, (name) => frame.scope.find(name));
    inputs.forEach((input, k) => {
      const value = input instanceof Sequence ? input.items[i] : input;
      inner.scope.bind(
        body.inputs[k]?.name ?? '',
        value ?? node.refuse(`sequences of ${items.length} and ${i} tensors`),
      );
    });
    importer
      .importGraph(body, inner, (name) => frame.scope.find(name) !== undefined)
      .forEach((result, k) => {
        results[k]?.push(result instanceof Value ? result : node.refuse('a body that gives no tensor'));
      });
  });
  return results.map((values) => new Sequence(values));
}

const hasElement = (call: Call): readonly Item[] => {
  const item = call.item(0);
  const has = item !== undefined && item !== nothing;
  return [call.node.createConstant({ dtype: 'i1', shape: [], data: Uint8Array.of(has ? 1 : 0) })];
};

const getElement = (call: Call): readonly Item[] => {
  const item = call.item(0);
  return item === undefined || item === nothing ? call.node.refuse('the element of an empty optional') : [item];
};

/** Ignores the type of an optional that is made empty. */
const optional = (call: Call): readonly Item[] => {
  call.node.ignoreAttribute('type');
  return [call.item(0) ?? nothing];
};

/** Tensors keep their mapping. */
const identity = (call: Call): readonly Item[] | undefined => {
  const item = call.item(0);
  return item === undefined || item instanceof Value ? undefined : [item];
};

const empty = ({ node }: Call): readonly Item[] => {
  node.ignoreAttribute('dtype');
  return [new Sequence([])];
};

const construct = ({ node }: Call): readonly Item[] => [
  new Sequence(Array.from({ length: node.inputCount }, (_, i) => node.input(i))),
];

/** The operators on sequences and optionals. */
export const sequenceOperators: readonly (readonly [string, Structural])[] = [
  ['SequenceConstruct', construct],
  ['SequenceEmpty', empty],
  ['SequenceInsert', insert],
  ['SequenceErase', eraseItem],
  ['SequenceAt', at],
  ['SequenceLength', (call) => [call.node.createConstant(scalar(sequenceAt(call, 0).items.length))]],
  ['SplitToSequence', split],
  ['ConcatFromSequence', concatenate],
  ['SequenceMap', map],
  ['Optional', optional],
  ['OptionalHasElement', hasElement],
  ['OptionalGetElement', getElement],
  ['Identity', identity],
];
