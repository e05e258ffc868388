import { constant } from '../../dialects/nn/constant.ts';
import { returnOp } from '../../dialects/nn/return.ts';
import { evaluateOp } from '../interpret/index.ts';
import {
  type Attributes,
  type Dim,
  Func,
  Module,
  type Op,
  type OpDefinition,
  type Registry,
  Resource,
  Rewriter,
  type TensorType,
  type Type,
  tensor,
  type Value,
} from '../ir/index.ts';
import { QcError } from '../support/diagnostics.ts';
import { elementCount, type HostTensor } from '../support/tensor.ts';
import { readInitializers, resourceOf } from './initializers.ts';
import { Mappings } from './mappings.ts';
import { ImportedNode, type NodeContext } from './node.ts';
import { nodeName, orderedNodes } from './order.ts';
import { decodeModel, type ExternalData, type ModelProto, type NodeProto, type ValueInfoProto } from './proto/index.ts';
import { ShapeValues } from './shapeValues.ts';
import { Symbols } from './symbols.ts';

export interface ImportOptions {
  readonly registry: Registry;
  /** Gives the bytes of files beside the model. */
  readonly externalData?: ExternalData | undefined;
  /** How errors name the model. */
  readonly fileName?: string | undefined;
  /** Sizes of symbolic dimensions, by the model's names for them. */
  readonly symbols?: Readonly<Record<string, number>> | undefined;
  /** Whole shapes of inputs, by name. */
  readonly shapes?: Readonly<Record<string, readonly number[]>> | undefined;
  /** Values of inputs that are fixed: they are no inputs of the module, and what depends on them alone is folded. */
  readonly constants?: Readonly<Record<string, HostTensor>> | undefined;
}

/** Oldest and newest version of the standard operator set that is understood. */
const oldestOpset = 1;
const newestOpset = 28;

/** Constants are folded when the result has no more elements than this, or than the operands together. */
const foldLimit = 65536;

/**
 * An ONNX model as a module of `nn` ops. Weights stay views of `bytes`; what depends on constants and shapes alone
 * is computed here. Every op carries the name of its node.
 * @throws QcError that names the node for everything that is damaged or not supported.
 */
export function importOnnx(bytes: Uint8Array, options: ImportOptions): Module {
  try {
    const model = decodeModel(bytes);
    return new Importer(model, options).run();
  } catch (error) {
    if (!(error instanceof QcError) || error.diagnostic.where || !options.fileName) throw error;
    throw new QcError({ ...error.diagnostic, where: options.fileName });
  }
}

class Importer {
  readonly #model: ModelProto;
  readonly #options: ImportOptions;
  readonly #module = new Module();
  readonly #main = new Func('main');
  readonly #rewriter = new Rewriter();
  readonly #values = new Map<string, Value>();
  readonly #initializers: ReturnType<typeof readInitializers>;
  readonly #shapes = new ShapeValues();
  readonly #names = new Map<string, number>();
  readonly #symbols: Symbols;

  constructor(model: ModelProto, options: ImportOptions) {
    this.#model = model;
    this.#options = options;
    this.#initializers = readInitializers(model.graph, options.externalData);
    this.#symbols = new Symbols(this.#module, options.symbols ?? {});
  }

  run(): Module {
    const { graph } = this.#model;
    const opsets = this.#opsets();
    const mappings = new Mappings(this.#options.registry);
    this.#module.addFunction(this.#main);
    this.#rewriter.atEnd(this.#main.body);
    refuseSparse(this.#model);
    this.#addInputs();
    for (const node of orderedNodes(graph)) this.#importNode(node, mappings, opsets);
    this.#addOutputs();
    eraseUnused(this.#main, this.#rewriter);
    return this.#module;
  }

  /** The versions of the operator sets by domain. */
  #opsets(): Map<string, number> {
    const opsets = new Map<string, number>();
    for (const { domain, version } of this.#model.opsetImports) opsets.set(plainDomain(domain), version);
    // Before IR version 3 a model could leave its operator set unsaid; it was version 1.
    const standard = opsets.get('') ?? (opsets.size === 0 ? 1 : undefined);
    if (standard !== undefined && (standard < oldestOpset || standard > newestOpset)) {
      throw new QcError({
        what: `the model uses operator set ${standard}`,
        why: `operator sets ${oldestOpset} to ${newestOpset} are supported`,
        help: 'export the model with an operator set between 13 and 21',
      });
    }
    return opsets;
  }

  #addInputs(): void {
    for (const input of this.#model.graph.inputs) {
      // An input with a default value is taken to have that value.
      if (this.#initializers.has(input.name)) continue;
      const fixed = this.#options.constants?.[input.name];
      const type = inputType(input, this.#symbols, fixed?.shape ?? this.#options.shapes?.[input.name]);
      if (fixed) {
        this.#values.set(
          input.name,
          this.#createConstant(checkedConstant(input.name, fixed, type), input.name, '').result,
        );
        continue;
      }
      this.#values.set(input.name, this.#main.body.addArgument(type, input.name));
    }
  }

  #addOutputs(): void {
    const { outputs } = this.#model.graph;
    if (outputs.length === 0) throw new QcError({ what: 'the model has no outputs', help: 'export the model again' });
    const values = outputs.map(({ name }) => this.#value(name, 'the graph’s outputs'));
    this.#rewriter.create(returnOp, { values }, {}, { source: '' });
    this.#main.resultNames = outputs.map((output) => output.name);
    this.#main.resultTypes = values.map((value) => value.type);
  }

  #importNode(proto: NodeProto, mappings: Mappings, opsets: ReadonlyMap<string, number>): void {
    const domain = plainDomain(proto.domain);
    const where = nodeName(proto);
    this.#refuseFunction(proto, where);
    const opset = opsets.get(domain);
    if (opset === undefined) {
      throw new QcError({
        what: `the model uses the domain '${domain || 'ai.onnx'}' and does not say in which version`,
        where,
        why: `operator '${proto.opType}' belongs to it`,
        help: 'export the model again',
      });
    }
    const mapping = mappings.find(proto.opType, domain, opset, where);
    const node = new ImportedNode(proto, this.#context(opset, where));
    const built = located(where, () => mapping.build(node));
    node.checkAllRead();
    this.#bindOutputs(node, proto, Array.isArray(built) ? (built as readonly Value[]) : [built as Value]);
  }

  #refuseFunction(proto: NodeProto, where: string): void {
    const isCall = this.#model.functions.some((f) => f.name === proto.opType && f.domain === proto.domain);
    if (!isCall) return;
    throw new QcError({
      what: `'${proto.opType}' is a function of the model`,
      where,
      why: 'functions inside a model are not supported',
      help: 'inline them, for example with onnx.inliner.inline_local_functions',
    });
  }

  #bindOutputs(node: ImportedNode, proto: NodeProto, values: readonly Value[]): void {
    proto.outputs.forEach((name, i) => {
      if (name === '') return;
      const value = values[i] ?? node.refuse(`output ${i} ('${name}')`);
      if (value.op && !value.name) value.name = name;
      this.#values.set(name, value);
    });
  }

  #context(opset: number, where: string): NodeContext {
    return {
      opset,
      value: (name) => this.#value(name, where),
      constantOf,
      dimsOf: (value): readonly Dim[] | undefined => this.#shapes.of(value),
      freshDim: (hint, max): Dim => this.#symbols.dataDependent(hint, max),
      create: (definition, operands, attributes, source) =>
        this.#create(definition, definition.flatten(operands), attributes, source),
      createConstant: (value, name, source) => this.#createConstant(value, name, source).result,
    };
  }

  /** The value of a name; an initializer becomes a constant the first time it is asked for. */
  #value(name: string, where: string): Value {
    const known = this.#values.get(name);
    if (known) return known;
    const initializer = this.#initializers.get(name);
    if (!initializer) {
      throw new QcError({ what: `nothing defines the value '${name}'`, where, help: 'export the model again' });
    }
    const type = tensor(initializer.shape, initializer.dtype);
    const value = resourceOf(initializer, this.#options.externalData);
    const op = this.#rewriter.create(constant, {}, { value }, { types: [type], source: name, name });
    this.#names.set(name, this.#names.get(name) ?? 0);
    this.#values.set(name, op.result);
    return op.result;
  }

  #createConstant(value: HostTensor, name: string, source: string): Op {
    const taken = this.#names.get(name);
    this.#names.set(name, (taken ?? 0) + 1);
    const unique = taken === undefined && !this.#initializers.has(name) ? name : `${name}#${(taken ?? 0) + 1}`;
    const types: Type[] = [tensor(value.shape, value.dtype)];
    return this.#rewriter.create(
      constant,
      {},
      { value: Resource.of(unique, value.dtype, value.data) },
      { types, source },
    );
  }

  /** Makes an op, or the constant that it comes to. */
  #create(
    definition: OpDefinition,
    operands: readonly (Value | undefined)[],
    attributes: Attributes,
    source: string,
  ): Op {
    const op = located(source, () => this.#rewriter.createRaw(definition, operands, attributes, { source }));
    const folded = located(source, () => this.#fold(op));
    if (!folded) return op;
    this.#rewriter.erase(op);
    return this.#createConstant(folded, source, source);
  }

  #fold(op: Op): HostTensor | undefined {
    if (op.definition.effect !== 'pure' || op.results.length !== 1) return undefined;
    const { shape, element } = op.result.type as TensorType;
    const known = shape.every((dim) => typeof dim === 'number');
    if (!known && !op.definition.dataDependent) return undefined;
    const elements = this.#shapes.of(op.result);
    if (known && element === 'i64' && elements?.every((dim) => typeof dim === 'number')) {
      return { dtype: 'i64', shape: shape as number[], data: BigInt64Array.from(elements as number[], BigInt) };
    }
    const operands = op.operands.map((operand) => operand && constantOf(operand));
    if (op.definition === constant || op.operands.some((operand, i) => operand && !operands[i])) return undefined;
    const given = operands.reduce((n, operand) => n + (operand?.data.length ?? 0), 0);
    if (known && elementCount(shape as number[]) > Math.max(foldLimit, given)) return undefined;
    return evaluateOp(op, operands)[0];
  }
}

const plainDomain = (domain: string) => (domain === 'ai.onnx' ? '' : domain);

/** The elements of a constant value. */
function constantOf(value: Value): HostTensor | undefined {
  return value.op && constant.is(value.op) ? evaluateOp(value.op, [])[0] : undefined;
}

function refuseSparse({ graph }: ModelProto): void {
  const [sparse] = graph.sparseInitializers;
  if (!sparse) return;
  throw new QcError({
    what: `the initializer '${sparse.values.name}' is sparse`,
    where: sparse.values.name,
    why: 'sparse tensors are not supported',
    help: 'store it as a dense tensor',
  });
}

function inputType(input: ValueInfoProto, symbols: Symbols, given: readonly number[] | undefined): TensorType {
  const { type } = input;
  const fail = (what: string, help: string): never => {
    throw new QcError({ what: `the input '${input.name}' ${what}`, where: input.name, help });
  };
  if (type?.kind !== 'tensor')
    return fail(`is a ${type?.kind ?? 'value without a type'}`, 'inputs must be dense tensors');
  const { dtype } = type;
  if (!dtype) return fail('has no element type', 'export the model again');
  if (dtype === 'string') return fail('holds text', 'turn text into token ids before the model');
  const declared = type.shape;
  if (given) {
    const fits =
      !declared ||
      (given.length === declared.length && declared.every((d, i) => typeof d !== 'number' || d === given[i]));
    if (!fits) fail(`cannot have the shape [${given.join(', ')}]`, `the model declares [${declared?.join(', ')}]`);
    return tensor(given, dtype);
  }
  if (!declared) return fail('has no shape', 'give its shape, or export the model with one');
  return tensor(
    declared.map((dim, i) => symbols.dimension(dim, `${input.name}_${i}`)),
    dtype,
  );
}

function checkedConstant(name: string, value: HostTensor, type: TensorType): HostTensor {
  if (value.dtype === type.element) return value;
  throw new QcError({
    what: `the constant for the input '${name}' has elements of ${value.dtype}`,
    where: name,
    why: `the model needs ${type.element}`,
    help: 'convert it',
  });
}

/** Adds the node to errors that do not say where they are. */
function located<T>(where: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof QcError) || error.diagnostic.where) throw error;
    throw new QcError({ ...error.diagnostic, where });
  }
}

/** Removes ops whose results nothing uses, from the last to the first. */
function eraseUnused(func: Func, rewriter: Rewriter): void {
  let op = func.body.last;
  while (op) {
    const { previous } = op;
    const unused = !op.definition.terminator && op.results.every((result) => result.uses.size === 0);
    if (unused && op.definition.effect === 'pure') rewriter.erase(op);
    op = previous;
  }
}
