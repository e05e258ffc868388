import type { HostTensor } from '../support/tensor.ts';
import type { Attribute, Attributes } from './attribute.ts';
import type { AttributeSpec, AttributeValues } from './attributeSpec.ts';
import type { Lowering } from './lowering.ts';
import type { Module } from './module.ts';
import type { OnnxMapping, OnnxWriter } from './onnxMapping.ts';
import type { Op, Value } from './op.ts';
import type { TensorType, Type } from './types.ts';

/** `optional` operands may be absent; a `variadic` operand is the last one and takes any number of values. */
export type Arity = 'required' | 'optional' | 'variadic';

export type OperandSpecs = Readonly<Record<string, Arity>>;
export type AttributeSpecs = Readonly<Record<string, AttributeSpec<Attribute>>>;

/** One entry for each named operand, `T` for required, `T | undefined` for optional, `T[]` for variadic ones. */
export type ByOperand<O extends OperandSpecs, T> = {
  readonly [K in keyof O as O[K] extends 'optional' ? never : K]: O[K] extends 'variadic' ? readonly T[] : T;
} & { readonly [K in keyof O as O[K] extends 'optional' ? K : never]?: T | undefined };

/** What dead-code and common-subexpression elimination may assume. */
export type Effect = 'pure' | 'reads' | 'writes';

/**
 * How products of f32 are added where an evaluation knows an order. `f64`: exact but for one rounding at the end. `f32`:
 * one product after the other, rounded each time as a fused multiply-add does, then the bias.
 */
export type Sums = 'f32' | 'f64';

/** What an evaluation is told beside its operands. */
export interface EvaluateContext {
  /** The op's result types; shapes are static. */
  readonly results: readonly TensorType[];
  /** Default: `f64`. */
  readonly sums?: Sums | undefined;
  /** The operands' types, for ops on codes that their types explain. */
  readonly operandTypes?: readonly (TensorType | undefined)[];
  /** The op's regions, to be run with the given arguments (control flow, fusions). */
  readonly regions: readonly ((args: readonly HostTensor[]) => HostTensor[])[];
}

/** Work of one execution. */
export interface Cost {
  readonly multiplyAdds: number;
}

/** Everything about an op, said once. `O` and `A` give the names and kinds of its operands and attributes. */
export interface OpSpec<O extends OperandSpecs, A extends AttributeSpecs> {
  /** `dialect.mnemonic`. */
  readonly name: string;
  /** One sentence: the mathematics. */
  readonly summary: string;
  readonly operands: O;
  readonly attributes?: A;
  /** Names of the results; `variadic` when their number depends on operands or attributes. Default: one, `y`. */
  readonly results?: readonly string[] | 'variadic';
  /** Number of regions. Default 0. */
  readonly regions?: number | 'variadic';
  /** Default `pure`. */
  readonly effect?: Effect;
  /** Ends a block. */
  readonly terminator?: boolean;
  /** Sizes of results depend on what operands hold: their symbols are bound by what the evaluation gives. */
  readonly dataDependent?: boolean;
  /**
   * What evaluate computes on. `reals` (default): quantized operands arrive dequantized as f64, and results
   * are rounded once into their types. `codes`: operands and results are the stored integers.
   */
  readonly domain?: 'reals' | 'codes';
  /**
   * `moves`: results hold the operand's elements unchanged, so they keep its element type. `free` (default): a
   * pass may give the result any quantized type that expresses the inferred element. `declared`: the result type
   * is said by whoever creates the op and is a boundary for retype.
   */
  readonly typing?: 'moves' | 'free' | 'declared';
  /** Result types from operand types (of `reals` ops: call `expressed` on elements). Absent with `declared`. */
  readonly infer?: (operands: ByOperand<O, TensorType>, attributes: AttributeValues<A>) => Type | readonly Type[];
  /** Throws a QcError, with `where` left to the caller, when operands and attributes don't fit together. */
  readonly verify?: (operands: ByOperand<O, TensorType>, attributes: AttributeValues<A>, op: Op) => void;
  /** The reference meaning. Float results may be f64; the interpreter rounds them into the result type. */
  readonly evaluate?: (
    operands: ByOperand<O, HostTensor>,
    attributes: AttributeValues<A>,
    context: EvaluateContext,
  ) => HostTensor | HostTensor[];
  readonly cost?: (
    operands: ByOperand<O, TensorType>,
    attributes: AttributeValues<A>,
    results: readonly TensorType[],
  ) => Cost;
  /** How the op becomes kernels. */
  readonly lower?: Lowering;
  /** The ONNX operators that import as this op. */
  readonly onnx?: readonly OnnxMapping[];
  /**
   * Writes the op as ONNX nodes. Names of operands in, names of results out: real numbers, whatever the types store;
   * of an op on `codes`, the codes. Absent: the op cannot be exported.
   */
  readonly toOnnx?: (
    writer: OnnxWriter,
    operands: ByOperand<O, string>,
    attributes: AttributeValues<A>,
    op: Op,
  ) => string | readonly string[];
}

/** An op's declaration with types erased, as the generic machinery sees it. */
export interface OpDefinition {
  readonly name: string;
  readonly summary: string;
  readonly operands: OperandSpecs;
  readonly attributes: AttributeSpecs;
  readonly results: readonly string[] | 'variadic';
  readonly regions: number | 'variadic';
  readonly effect: Effect;
  readonly terminator: boolean;
  readonly dataDependent: boolean;
  readonly domain: 'reals' | 'codes';
  readonly typing: 'moves' | 'free' | 'declared';
  readonly lower: Lowering | undefined;
  readonly onnx: readonly OnnxMapping[];
  /** Writes the op as ONNX nodes, between names; undefined when it cannot be exported. */
  readonly toOnnx:
    | ((writer: OnnxWriter, operands: readonly (string | undefined)[], op: Op) => readonly string[])
    | undefined;
  /** Result types, or undefined when they are declared. */
  infer(operands: readonly (Value | undefined)[], attributes: Attributes): readonly Type[] | undefined;
  verify(op: Op, module?: Module): void;
  readonly evaluate:
    | ((
        operands: readonly (HostTensor | undefined)[],
        attributes: Attributes,
        context: EvaluateContext,
      ) => HostTensor[])
    | undefined;
  cost(op: Op): Cost;
}

/** An op's declaration with its types: what `defineOp` returns. */
export interface TypedOp<O extends OperandSpecs, A extends AttributeSpecs> extends OpDefinition {
  /** Whether `op` is this operation. */
  is(op: Op | undefined): op is Op & { readonly definition: TypedOp<O, A> };
  /** The operands of `op` by name. */
  operandsOf(op: Op): ByOperand<O, Value>;
  /** The attributes of `op` by name, defaults filled in. */
  attributesOf(op: Op): AttributeValues<A>;
  /** Operands by name put in order, for building. */
  flatten(operands: ByOperand<O, Value>): (Value | undefined)[];
}

/** Declares an op. */
export function defineOp<const O extends OperandSpecs, const A extends AttributeSpecs = Record<never, never>>(
  spec: OpSpec<O, A>,
): TypedOp<O, A> {
  const attributeSpecs = (spec.attributes ?? {}) as A;
  const byName = <T>(values: readonly (T | undefined)[]) => nameOperands(spec.operands, values) as ByOperand<O, T>;
  const filled = (attributes: Attributes) => fillDefaults(attributeSpecs, attributes) as AttributeValues<A>;
  const typesOf = (values: readonly (Value | undefined)[]) =>
    byName(values.map((v) => v?.type as TensorType | undefined));
  const { evaluate, infer, toOnnx } = spec;
  const definition: TypedOp<O, A> = {
    name: spec.name,
    summary: spec.summary,
    operands: spec.operands,
    attributes: attributeSpecs,
    results: spec.results ?? ['y'],
    regions: spec.regions ?? 0,
    effect: spec.effect ?? 'pure',
    terminator: spec.terminator ?? false,
    dataDependent: spec.dataDependent ?? false,
    domain: spec.domain ?? 'reals',
    typing: spec.typing ?? (infer ? 'free' : 'declared'),
    lower: spec.lower,
    onnx: spec.onnx ?? [],
    toOnnx: toOnnx
      ? (writer, operands, op) => {
          const names = toOnnx(writer, byName(operands), filled(op.attributes), op);
          return typeof names === 'string' ? [names] : names;
        }
      : undefined,
    infer(operands, attributes) {
      if (!infer) return undefined;
      const types = infer(typesOf(operands), filled(attributes));
      return Array.isArray(types) ? (types as readonly Type[]) : [types as Type];
    },
    verify: (op) => spec.verify?.(typesOf(op.operands), filled(op.attributes), op),
    evaluate: evaluate
      ? (operands, attributes, context) => {
          const results = evaluate(byName(operands), filled(attributes), context);
          return Array.isArray(results) ? results : [results];
        }
      : undefined,
    cost: (op) =>
      spec.cost?.(
        typesOf(op.operands),
        filled(op.attributes),
        op.results.map((r) => r.type as TensorType),
      ) ?? {
        multiplyAdds: 0,
      },
    is: (op): op is Op & { readonly definition: TypedOp<O, A> } => op?.definition === definition,
    operandsOf: (op) => byName(op.operands),
    attributesOf: (op) => filled(op.attributes),
    flatten: (operands) => flattenOperands(spec.operands, operands as Record<string, unknown>),
  };
  return definition;
}

function nameOperands<T>(specs: OperandSpecs, values: readonly (T | undefined)[]): Record<string, unknown> {
  const named: Record<string, unknown> = {};
  Object.entries(specs).forEach(([name, arity], i) => {
    if (arity === 'variadic') named[name] = values.slice(i);
    else if (values[i] !== undefined) named[name] = values[i];
  });
  return named;
}

function flattenOperands(specs: OperandSpecs, operands: Record<string, unknown>): (Value | undefined)[] {
  const flat = Object.entries(specs).flatMap(([name, arity]): readonly (Value | undefined)[] => {
    const value = operands[name] as Value | undefined | readonly Value[];
    return arity === 'variadic' ? ((value ?? []) as readonly Value[]) : [value as Value | undefined];
  });
  while (flat.length > 0 && flat.at(-1) === undefined) flat.pop();
  return flat;
}

function fillDefaults(specs: AttributeSpecs, attributes: Attributes): Attributes {
  const filled: Record<string, Attribute | undefined> = {};
  for (const [name, spec] of Object.entries(specs)) filled[name] = attributes[name] ?? spec.default;
  return filled;
}
