import { returnOp } from '../../dialects/nn/return.ts';
import { type Block, Func, Module, type Registry, type Rewriter, Value } from '../ir/index.ts';
import { QcError } from '../support/diagnostics.ts';
import { type Limits, limitsWith } from '../support/limits.ts';
import type { HostTensor } from '../support/tensor.ts';
import { GraphBuilder } from './builder.ts';
import { checkElements } from './elements.ts';
import { type Frame, GraphImporter, opsetsOf } from './graph.ts';
import { readInitializers } from './initializers.ts';
import { checkedConstant, inputType } from './inputs.ts';
import { Mappings } from './mappings.ts';
import { decodeModel, type ExternalData, type ModelProto, type OnnxTensor } from './proto/index.ts';
import { type Item, Scope } from './scope.ts';
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
  /** What the import may come to at most, where it is not the default. */
  readonly limits?: Partial<Limits> | undefined;
}

/** Oldest and newest version of the standard operator set that is understood. */
const oldestOpset = 1;
const newestOpset = 28;

/**
 * An ONNX model as a module of `nn` ops. Weights stay views of `bytes`; what depends on constants and shapes alone
 * is computed here. Every op carries the name of its node.
 * @throws QcError that names the node for everything that is damaged, not supported or beyond a limit.
 */
export function importOnnx(bytes: Uint8Array, options: ImportOptions): Module {
  try {
    const limits = limitsWith(options.limits);
    return importModel(decodeModel(bytes, limits.nesting), options, limits);
  } catch (error) {
    if (!(error instanceof QcError) || error.diagnostic.where || !options.fileName) throw error;
    throw new QcError({ ...error.diagnostic, where: options.fileName });
  }
}

function importModel(model: ModelProto, options: ImportOptions, limits: Limits): Module {
  const { graph, functions } = model;
  const external = options.externalData;
  const opsets = checkedOpsets(model);
  const module = new Module();
  const main = module.addFunction(new Func('main'));
  const symbols = new Symbols(module, options.symbols ?? {});
  const initializers = readInitializers(graph, external);
  const builder = new GraphBuilder(main.body, (name) => initializers.has(name), limits);
  const mappings = new Mappings(options.registry);
  const importer = new GraphImporter({ builder, mappings, symbols, functions, external, limits });
  const scope = new Scope(builder, initializers, external);
  const frame: Frame = { scope, opsets, attributes: undefined, calls: [], prefix: '' };
  addInputs(model, options, main, frame, importer, initializers);
  symbols.checkAllUsed();
  addOutputs(model, main, importer.importGraph(graph, frame), builder.rewriter);
  eraseUnused(main.body, builder.rewriter);
  return module;
}

/** The versions of the operator sets by domain. */
function checkedOpsets(model: ModelProto): ReadonlyMap<string, number> {
  const opsets = opsetsOf(model.opsetImports) as Map<string, number>;
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

function addInputs(
  { graph }: ModelProto,
  { constants, shapes }: ImportOptions,
  main: Func,
  { scope }: Frame,
  { state: { builder, symbols, limits } }: GraphImporter,
  initializers: ReadonlyMap<string, OnnxTensor>,
): void {
  for (const input of graph.inputs) {
    // An input with a default value is taken to have that value.
    if (initializers.has(input.name)) continue;
    const fixed = constants?.[input.name];
    const type = inputType(input, symbols, fixed?.shape ?? shapes?.[input.name]);
    checkElements(limits, type, input.name);
    const value = fixed
      ? builder.createConstant(checkedConstant(input.name, fixed, type), input.name, '').result
      : main.body.addArgument(type, input.name);
    scope.bind(input.name, value);
  }
}

function addOutputs({ graph: { outputs } }: ModelProto, main: Func, items: readonly Item[], rewriter: Rewriter): void {
  if (outputs.length === 0) throw new QcError({ what: 'the model has no outputs', help: 'export the model again' });
  const values = items.map((item, i) => {
    if (item instanceof Value) return item;
    throw new QcError({
      what: `the output '${outputs[i]?.name}' is a sequence or an optional`,
      where: outputs[i]?.name,
      help: 'outputs must be dense tensors',
    });
  });
  rewriter.create(returnOp, { values }, {}, { source: '' });
  main.resultNames = outputs.map((output) => output.name);
  main.resultTypes = values.map((value) => value.type);
}

/** Removes ops whose results nothing uses, from the last to the first, in regions too. */
export function eraseUnused(block: Block, rewriter: Rewriter): void {
  let op = block.last;
  while (op) {
    const { previous } = op;
    const unused = !op.definition.terminator && op.results.every((result) => result.uses.size === 0);
    if (unused && op.definition.effect === 'pure') rewriter.erase(op);
    else for (const region of op.regions) eraseUnused(region, rewriter);
    op = previous;
  }
}
