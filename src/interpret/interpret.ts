import type { Block, Dim, Func, Module, Op, Sums, TensorType, Value } from '../ir/index.ts';
import { walk } from '../ir/index.ts';
import { didYouMean, invariant, QcError } from '../support/diagnostics.ts';
import type { HostTensor } from '../support/tensor.ts';
import { bindResult, bindShape } from './bind.ts';
import { evaluateOp } from './evaluate.ts';
import type { Recollection } from './recollection.ts';
import { type Precision, storedDType } from './represent.ts';

export interface InterpretOptions {
  /** `f32` (default) rounds every result into its type; `f64` keeps floats in f64 between ops. */
  readonly precision?: Precision;
  /**
   * `f32` (default) adds the products of f32 convolutions as onnxruntime's kernels do: where they are quantized next, codes
   * beside a tie become the same. `f64` adds them exactly: small changes of a model stay small changes of its results.
   */
  readonly sums?: Sums;
  /** Told of every result, as it is stored, right after its op. `index` is the number of the result. */
  readonly observe?: (op: Op, tensor: HostTensor, index: number) => void;
  /** What goes on in the place of a result, of the same type; undefined leaves the result. Called after `observe`. */
  readonly replace?: (op: Op, tensor: HostTensor, index: number) => HostTensor | undefined;
  /** Sizes of symbols that the inputs' shapes do not tell. */
  readonly symbols?: Readonly<Record<string, number>>;
  /** Results of @main that are taken as given, as they are stored: an op whose results are all here is not computed. */
  readonly known?: ReadonlyMap<Value, HostTensor>;
  /** What ops gave in the run before, on the same inputs; and what they give in this one. */
  readonly recollection?: Recollection;
  /** Called before every block and every op: what it throws ends the run. */
  readonly check?: () => void;
}

/** Named tensors: a model's inputs or outputs. */
export type Tensors = Readonly<Record<string, HostTensor>>;

/**
 * Runs @main by each op's reference meaning. Tensors are logical row-major whatever their layout; quantized ones
 * are codes. Values are freed after their last use.
 * @throws QcError when an input is missing, unknown, or of another type or shape than the model declares.
 */
export function interpret(module: Module, inputs: Tensors, options: InterpretOptions = {}): Record<string, HostTensor> {
  const { main } = module;
  const binding = new Map<string, Dim>(Object.entries(options.symbols ?? {}));
  const args = takeInputs(main, inputs);
  main.body.args.forEach((arg, i) => {
    bindShape(arg.name ?? `${i}`, arg.type as TensorType, args[i] as HostTensor, binding);
  });
  const values = new Map<Value, HostTensor>();
  options.recollection?.begin();
  const runBlock = (block: Block, given: readonly HostTensor[]): HostTensor[] => {
    options.check?.();
    block.args.forEach((arg, i) => {
      values.set(arg, given[i] as HostTensor);
      if (block.parent) bindResult(arg.type as TensorType, given[i] as HostTensor, binding);
    });
    const dying = lastUses(block);
    for (const op of block.ops()) {
      options.check?.();
      const operands = op.operands.map((operand) => operand && values.get(operand));
      if (op.definition.terminator) return operands as HostTensor[];
      const runRegion = (index: number, regionArgs: readonly HostTensor[]) =>
        runBlock(op.regions[index] as Block, regionArgs);
      const compute = () =>
        evaluateOp(op, operands, {
          precision: options.precision ?? 'f32',
          sums: options.sums ?? 'f32',
          binding,
          runRegion,
        });
      const results =
        knownResults(op, options.known) ?? options.recollection?.evaluate(op, operands, compute) ?? compute();
      results.forEach((tensor, i) => {
        const result = op.results[i] as Value;
        if (op.definition.dataDependent) bindResult(result.type as TensorType, tensor, binding);
        options.observe?.(op, tensor, i);
        values.set(result, options.replace?.(op, tensor, i) ?? tensor);
      });
      for (const value of dying.get(op) ?? []) values.delete(value);
    }
    return [];
  };
  const results = runBlock(main.body, args);
  return Object.fromEntries(results.map((tensor, i) => [main.resultNames[i] ?? `${i}`, tensor]));
}

function knownResults(op: Op, known: ReadonlyMap<Value, HostTensor> | undefined): HostTensor[] | undefined {
  const results = op.results.map((value) => known?.get(value));
  return results.every((tensor) => tensor !== undefined) ? results : undefined;
}

/** The values of a block that are not needed after an op. */
function lastUses(block: Block): Map<Op, Value[]> {
  const last = new Map<Value, Op>();
  for (const op of block.ops()) {
    for (const result of op.results) last.set(result, op);
    for (const operand of op.operands) if (operand) last.set(operand, op);
    for (const region of op.regions) {
      for (const inner of walk(region)) for (const operand of inner.operands) if (operand) last.set(operand, op);
    }
  }
  const dying = new Map<Op, Value[]>();
  for (const [value, op] of last) {
    const definer = value.op?.block ?? value.definer;
    if (definer !== block) continue;
    const list = dying.get(op);
    if (list) list.push(value);
    else dying.set(op, [value]);
  }
  return dying;
}

function takeInputs(main: Func, inputs: Tensors): HostTensor[] {
  const names = main.body.args.map((arg, i) => arg.name ?? `${i}`);
  const unknown = Object.keys(inputs).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const near = didYouMean(unknown, names);
    throw new QcError({
      what: `the model has no input '${unknown}'`,
      why: `its inputs are ${names.map((name) => `'${name}'`).join(', ')}`,
      help: near === undefined ? undefined : `did you mean '${near}'?`,
    });
  }
  return main.body.args.map((arg, i) => {
    const name = names[i] as string;
    const value = inputs[name];
    const { element } = arg.type as TensorType;
    const wanted = storedDType(element);
    if (!value) {
      throw new QcError({
        what: `the input '${name}' is missing`,
        why: `the model needs ${arg.type.key}`,
        help: 'give a tensor for every input',
      });
    }
    if (value.dtype !== wanted) {
      throw new QcError({
        what: `the input '${name}' has elements of ${value.dtype}`,
        where: name,
        why: `the model needs ${wanted}`,
        help: 'convert the input',
      });
    }
    invariant(value.data.length === value.shape.reduce((n, dim) => n * dim, 1), `data and shape of '${name}' disagree`);
    return value;
  });
}
