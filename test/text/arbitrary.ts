import fc from 'fast-check';
import {
  type Attribute,
  type Attributes,
  addDim,
  applyDim,
  type Dim,
  type ElementType,
  Func,
  type Granularity,
  layout,
  Module,
  mulDim,
  quantParams,
  quantType,
  Resource,
  Rewriter,
  ref,
  scalar,
  symbol,
  type Type,
  tensor,
  type Value,
  vec,
} from '../../src/ir/index.ts';
import { any } from '../golden/known.ts';

/** Names as models have them: plain, numeric, with signs, in other scripts. */
const name = fc.oneof(
  fc.constantFrom('x', 'x', 'y_1', 'conv1.weight', '0', '17', '/layer1/Conv_output_0', 'f32', 'nan', '_', 'q0', 'max'),
  fc.string({ minLength: 1, maxLength: 6, unit: 'grapheme' }),
);

const symbolName = fc.oneof(fc.constantFrom('N', 'seq', 'max', 'x', 'min', 'f32', 'true'), name);

const dim: fc.Arbitrary<Dim> = fc.letrec<{ dim: Dim }>((tie) => ({
  dim: fc.oneof(
    { maxDepth: 3 },
    fc.nat(100),
    symbolName.map(symbol),
    fc.tuple(tie('dim'), tie('dim')).map(([a, b]) => addDim(a, b)),
    fc.tuple(tie('dim'), fc.integer({ min: -3, max: 3 })).map(([a, b]) => mulDim(a, b)),
    fc
      .tuple(fc.constantFrom('floordiv', 'mod', 'min', 'max'), tie('dim'), fc.integer({ min: 1, max: 9 }))
      .map(([fn, a, b]) => applyDim(fn, a, b)),
  ),
})).dim;

const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(-0, Infinity, -Infinity, NaN, Math.fround(0.1)));

const numbers = fc.option(fc.array(number, { maxLength: 4 }), { nil: undefined });

const params = fc
  .array(fc.tuple(fc.float(), fc.integer({ min: -128, max: 127 })), { minLength: 1, maxLength: 4 })
  .chain((pairs) =>
    fc.tuple(numbers, numbers).map(([levels, widths]) =>
      quantParams({
        scale: pairs.map(([scale]) => scale),
        zeroPoint: pairs.map(([, zero]) => zero),
        ...(levels ? { levels } : {}),
        ...(widths ? { widths } : {}),
      }),
    ),
  );

const granularity: fc.Arbitrary<Granularity> = fc.oneof(
  fc.constant({ kind: 'tensor' as const }),
  fc.constant({ kind: 'token' as const }),
  fc.nat(3).map((axis) => ({ kind: 'axis' as const, axis })),
  fc.tuple(fc.nat(3), fc.nat(64)).map(([axis, size]) => ({ kind: 'block' as const, axis, size })),
);

const element: fc.Arbitrary<ElementType> = fc.oneof(
  fc.constantFrom('f32', 'i8', 'u4', 'i64', 'bf16', 'f8e4m3fnuz', 'i1'),
  fc
    .record({
      storage: fc.constantFrom('i8', 'u4', 'i32'),
      expressed: fc.constantFrom('f32', 'f16'),
      scheme: fc.constantFrom('affine', 'power-of-two', 'microscaled', 'codebook'),
      granularity,
      params: fc.option(params, { nil: undefined }),
    })
    .map(quantType),
);

const tensorType = fc
  .array(dim, { maxLength: 4 })
  .chain((shape) =>
    fc
      .tuple(element, fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }), fc.constantFrom(1, 1, 4, 16))
      .map(([of, order, pad]) => tensor(shape, of, layout(order, pad))),
  );

const type: fc.Arbitrary<Type> = fc.oneof(
  { weight: 5, arbitrary: tensorType },
  fc.constantFrom(scalar('index'), scalar('f32'), vec(4, 'f32'), vec(16, 'i8'), ref('i8', 'arena')),
);

/** Attributes; resources come from a pool, so that they are shared. */
const attributeOf = (pool: readonly Resource[]): fc.Arbitrary<Attribute> =>
  fc.letrec<{ value: Attribute }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      number,
      fc.boolean(),
      fc.string(),
      dim,
      type,
      params,
      fc.constantFrom(...pool),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(name, tie('value'), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).value;

const resource = fc
  .tuple(name, fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(new Uint8Array(5000).fill(3))))
  .map(([label, bytes]) => Resource.of(label, 'u8', bytes));

interface OpPlan {
  readonly operands: readonly number[];
  readonly results: readonly { readonly type: Type; readonly name: string | undefined }[];
  readonly attributes: Attributes;
  readonly source: string;
  readonly regions: readonly (readonly OpPlan[])[];
}

const value = fc.record({ type, name: fc.option(name, { nil: undefined }) });

const opPlan = (attribute: fc.Arbitrary<Attribute>, depth: number): fc.Arbitrary<OpPlan> =>
  fc.record({
    operands: fc.array(fc.integer({ min: -1, max: 20 }), { maxLength: 3 }),
    results: fc.array(value, { maxLength: 2 }),
    attributes: fc.record(
      { a: attribute, n: number, axes: fc.array(fc.nat(3), { maxLength: 2 }) },
      { requiredKeys: [], noNullPrototype: true },
    ),
    source: fc.oneof(fc.constant(''), fc.string()),
    regions:
      depth === 0
        ? fc.constant([])
        : fc.array(fc.array(opPlan(attribute, depth - 1), { maxLength: 2 }), { maxLength: 2 }),
  });

/** Modules of ops that take anything, built through the Rewriter. */
export const module: fc.Arbitrary<Module> = fc.array(resource, { minLength: 1, maxLength: 4 }).chain((pool) =>
  fc
    .record({
      symbols: fc.uniqueArray(symbolName, { maxLength: 3 }),
      facts: fc.uniqueArray(name, { maxLength: 2 }),
      args: fc.array(value, { maxLength: 3 }),
      results: fc.array(fc.record({ type, name }), { maxLength: 2 }),
      ops: fc.array(opPlan(attributeOf(pool), 2), { maxLength: 6 }),
      kind: fc.constantFrom('func' as const, 'kernel' as const),
      name,
    })
    .map((plan) => {
      const made = new Module();
      for (const [i, one] of plan.symbols.entries()) made.symbols.set(one, { min: i, max: i === 0 ? Infinity : 64 });
      for (const [i, one] of plan.facts.entries()) made.facts.set(one, pool[i % pool.length] as Resource);
      const [names, types] = [plan.results.map((r) => r.name), plan.results.map((r) => r.type)];
      const func = made.addFunction(new Func(plan.name, plan.kind, names, types));
      const visible = plan.args.map((arg) => func.body.addArgument(arg.type, arg.name));
      addOps(new Rewriter().atEnd(func.body), plan.ops, visible);
      return made;
    }),
);

function addOps(rewriter: Rewriter, plans: readonly OpPlan[], visible: readonly Value[]): void {
  const known = [...visible];
  for (const plan of plans) {
    const operands = plan.operands.map((i) => known[i]);
    const types = plan.results.map((result) => result.type);
    const op = rewriter.createRaw(any, operands, plan.attributes, { types, source: plan.source });
    plan.regions.forEach((inner, i) => {
      const region = rewriter.addRegion(op);
      const args = i === 0 ? [region.addArgument(scalar('f32'), 'x')] : [];
      addOps(new Rewriter().atEnd(region), inner, [...known, ...args]);
    });
    op.results.forEach((result, i) => {
      result.name = plan.results[i]?.name;
      known.push(result);
    });
  }
}
