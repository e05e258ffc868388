import { constant } from '../../dialects/nn/constant.ts';
import { dcast } from '../../dialects/quant/dcast.ts';
import { evaluateOp, hasOpenSizes } from '../interpret/index.ts';
import {
  type Attributes,
  type Block,
  type Dim,
  type Op,
  type OpDefinition,
  Resource,
  Rewriter,
  storageOf,
  type TensorType,
  type Type,
  tensor,
  type Value,
  withElement,
} from '../ir/index.ts';
import { QcError } from '../support/diagnostics.ts';
import { checkLimit, type Limits } from '../support/limits.ts';
import { type DType, elementBytes, elementCount, type HostTensor } from '../support/tensor.ts';
import { checkElements } from './elements.ts';
import { withOneFilter } from './oneFilter.ts';
import { ShapeValues } from './shapeValues.ts';

/** Constants are folded when the result has no more elements than this, or than the operands together. */
const foldLimit = 65536;

/** Makes the ops of an import; what depends on constants and shapes alone becomes a constant. */
export class GraphBuilder {
  readonly rewriter = new Rewriter();
  readonly #shapes = new ShapeValues();
  readonly #isTaken: (name: string) => boolean;
  readonly #names = new Map<string, number>();
  readonly #limits: Limits;
  #foldedBytes = 0;
  #block: Block;

  /** Ops go to the end of `block`. `isTaken` knows the names of the model's own tensors. */
  constructor(block: Block, isTaken: (name: string) => boolean, limits: Limits) {
    this.#block = block;
    this.#limits = limits;
    this.#isTaken = isTaken;
    this.rewriter.atEnd(block);
  }

  /** Runs `action` with ops going to the end of `block`. */
  within<T>(block: Block, action: () => T): T {
    const outer = this.#block;
    this.#block = block;
    this.rewriter.atEnd(block);
    try {
      return action();
    } finally {
      this.#block = outer;
      this.rewriter.atEnd(outer);
    }
  }

  /** Makes an argument of a region known to hold what a value outside holds. */
  alias(argument: Value, outer: Value): void {
    this.#shapes.alias(argument, outer);
  }

  /** The elements of an integer value as dimensions, or undefined when they depend on data. */
  dimsOf(value: Value): readonly Dim[] | undefined {
    return this.#shapes.of(value);
  }

  /** The elements of a constant value, one whose codes are constant included. */
  constantOf(value: Value): HostTensor | undefined {
    const { op } = value;
    if (!op) return undefined;
    if (op.definition === constant) return evaluateOp(op, [])[0];
    const codes = op.definition === dcast ? this.constantOf(op.operand(0)) : undefined;
    return codes && evaluateOp(op, [codes])[0];
  }

  /** Whether a value is a constant, or has constant codes. */
  #isConstant({ op }: Value): boolean {
    return op !== undefined && (constant.is(op) || (dcast.is(op) && this.#isConstant(op.operand(0))));
  }

  /** A constant whose bytes stay where they are. */
  resource(value: Resource, type: Type, source: string): Value {
    checkElements(this.#limits, type, source);
    this.#names.set(value.name, this.#names.get(value.name) ?? 0);
    return this.rewriter.create(constant, {}, { value }, { types: [type], source, name: value.name }).result;
  }

  createConstant(value: HostTensor, name: string, source: string, type?: Type): Op {
    const taken = this.#names.get(name);
    this.#names.set(name, (taken ?? 0) + 1);
    const unique = taken === undefined && !this.#isTaken(name) ? name : `${name}#${(taken ?? 0) + 1}`;
    const types = [type ?? tensor(value.shape, value.dtype)];
    const attributes = { value: Resource.of(unique, value.dtype, value.data) };
    return this.rewriter.create(constant, {}, attributes, { types, source });
  }

  /** Makes an op, or the constant that it comes to. `types` says the result types of an op that declares them. */
  create(
    definition: OpDefinition,
    operands: readonly (Value | undefined)[],
    attributes: Attributes,
    source: string,
    types?: readonly Type[],
  ): Op {
    const simpler =
      this.#moveCodes(definition, operands, attributes, source) ??
      withOneFilter(definition, operands, attributes, {
        create: (...made) => this.create(...made, source),
        createConstant: (value) => this.createConstant(value, `${source}.filter`, source).result,
      });
    if (simpler) return simpler;
    const options = { source, ...(types ? { types } : {}) };
    const op = located(source, () => this.rewriter.createRaw(definition, operands, attributes, options));
    for (const result of op.results) checkElements(this.#limits, result.type, source);
    const folded = located(source, () => this.#fold(op));
    if (!folded) return op;
    const { type } = op.result;
    this.rewriter.erase(op);
    const isQuantized = typeof (type as TensorType).element !== 'string';
    return this.createConstant(folded, source, source, isQuantized ? type : undefined);
  }

  #fold(op: Op): HostTensor | undefined {
    const { definition } = op;
    // Constants that are stored as codes stay so: what reads them decides whether it computes with codes.
    if (definition.effect !== 'pure' || op.results.length !== 1 || op.definition === dcast) return undefined;
    const { shape, element } = op.result.type as TensorType;
    const known = shape.every((dim) => typeof dim === 'number');
    // The open sizes of a data-dependent op are those that its operands decide.
    if (!definition.dataDependent && (!known || hasOpenSizes(op))) return undefined;
    const elements = this.#shapes.of(op.result);
    if (known && element === 'i64' && elements?.every((dim) => typeof dim === 'number')) {
      return { dtype: 'i64', shape: shape as number[], data: BigInt64Array.from(elements as number[], BigInt) };
    }
    if (op.definition === constant || op.operands.some((operand) => operand && !this.#isConstant(operand)))
      return undefined;
    // Large weights that lie in files stay there until a pass wants them.
    const given = op.operands.reduce((n, operand) => n + (operand ? countOf(operand) : 0), 0);
    if (known && elementCount(shape as number[]) > Math.max(foldLimit, given)) return undefined;
    if (given > foldLimit && op.operands.some((operand) => operand && isElsewhere(operand))) return undefined;
    if (known) this.#countFolded(elementCount(shape as number[]) * elementBytes(storageOf(element) as DType));
    const operands = op.operands.map((operand) => operand && this.constantOf(operand));
    const result = evaluateOp(op, operands)[0];
    if (!known) this.#countFolded(result?.data.byteLength ?? 0);
    return result;
  }

  #countFolded(bytes: number): void {
    this.#foldedBytes += bytes;
    checkLimit(this.#limits, 'foldedBytes', this.#foldedBytes, 'the constants to compute at import are too large');
  }

  // move(dcast(codes)) == dcast(move(codes)): constants that are stored as codes stay so when they are transposed
  #moveCodes(
    definition: OpDefinition,
    operands: readonly (Value | undefined)[],
    attributes: Attributes,
    source: string,
  ): Op | undefined {
    const [x, ...more] = operands;
    if (definition.typing !== 'moves' || more.length > 0 || !x?.op || !dcast.is(x.op)) return undefined;
    const codes = x.op.operand(0);
    const { element } = codes.type as TensorType;
    if (typeof element === 'string' || element.granularity.kind === 'block' || !this.#isConstant(codes))
      return undefined;
    const moved = unlessRefused(() => this.create(definition, operands.with(0, codes), attributes, source));
    if (!moved) return undefined;
    const type = withElement(moved.result.type as TensorType, element.expressed);
    return this.rewriter.create(dcast, { x: moved.result }, {}, { types: [type], source });
  }
}

/** Elements of a constant, whose dimensions are numbers. */
const countOf = (value: Value) => elementCount((value.type as TensorType).shape as number[]);

/** Whether a constant's bytes, or its codes, are outside of memory. */
function isElsewhere({ op }: Value): boolean {
  if (!op) return false;
  return constant.is(op) ? constant.attributesOf(op).value.kept === 'elsewhere' : isElsewhere(op.operand(0));
}

/** What `action` gives, or undefined where it refuses. */
function unlessRefused<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof QcError) return undefined;
    throw error;
  }
}

/** Adds the node to errors that do not say where they are. */
export function located<T>(where: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof QcError) || error.diagnostic.where) throw error;
    throw new QcError({ ...error.diagnostic, where });
  }
}
