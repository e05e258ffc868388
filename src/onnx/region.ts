import { returnOp } from '../../dialects/nn/return.ts';
import { type Block, type Op, type TensorType, type Type, Value } from '../ir/index.ts';
import { QcError } from '../support/diagnostics.ts';
import type { Frame, GraphImporter } from './graph.ts';
import type { GraphProto } from './proto/index.ts';
import { type Item, intoRegion, type Scope } from './scope.ts';

/** Imports graphs as the isolated regions of an op: what they read outside becomes an operand of the op. */
export class Regions {
  readonly #op: Op;
  readonly #blocks: Block[];
  readonly #importer: GraphImporter;
  readonly #frame: Frame;
  readonly #captured = new Map<Value, number>();

  /** Makes `count` regions of `op`, which has its first operands and no results yet. */
  constructor(op: Op, count: number, importer: GraphImporter, frame: Frame) {
    this.#op = op;
    this.#importer = importer;
    this.#frame = frame;
    const { rewriter } = importer.state.builder;
    this.#blocks = Array.from({ length: count }, () => rewriter.addRegion(op));
  }

  block(index: number): Block {
    return this.#blocks[index] as Block;
  }

  /** Brings a value of the graph around into region `index`. */
  bring(index: number, value: Value): Value {
    return intoRegion(this.#importer.state.builder, value, (outer) => this.#capture(index, outer)) as Value;
  }

  #capture(index: number, outer: Value): Value {
    const { builder } = this.#importer.state;
    let at = this.#captured.get(outer);
    if (at === undefined) {
      builder.rewriter.setOperand(this.#op, this.#op.operands.length, outer);
      for (const block of this.#blocks) builder.alias(block.addArgument(outer.type, outer.name), outer);
      at = this.block(index).args.length - 1;
      this.#captured.set(outer, at);
    }
    return this.block(index).args[at] as Value;
  }

  /** Imports a graph into region `index`; `bind` names its inputs first. Gives its outputs. */
  graph(index: number, graph: GraphProto, bind: (scope: Scope) => void): Item[] {
    const { builder } = this.#importer.state;
    const { scope } = this.#frame;
    return builder.within(this.block(index), () => {
      const outer = (name: string) => intoRegion(builder, scope.find(name), (value) => this.#capture(index, value));
      const inner = this.#importer.inside(this.#frame, graph, outer);
      bind(inner.scope);
      return this.#importer.importGraph(graph, inner, (name) => scope.find(name) !== undefined);
    });
  }

  /** Ends region `index`. */
  finish(index: number, values: readonly Value[]): void {
    const { builder } = this.#importer.state;
    const { source } = this.#op;
    builder.within(this.block(index), () => builder.rewriter.create(returnOp, { values }, {}, { source }));
  }

  /** Gives the op its results and puts it after all that was made for it. */
  complete(types: readonly Type[]): readonly Value[] {
    const { rewriter } = this.#importer.state.builder;
    const block = this.#op.block as Block;
    rewriter.move(this.#op, block);
    return types.map((type) => rewriter.addResult(this.#op, type));
  }
}

/** The tensors among the outputs of a graph. @throws QcError when one is a sequence or an optional */
export function tensorsOf(items: readonly Item[], graph: GraphProto, why: string): Value[] {
  return items.map((item, i) => {
    if (item instanceof Value) return item;
    const name = graph.outputs[i]?.name;
    throw new QcError({ what: `the output '${name}' of the graph '${graph.name}' is no tensor`, why });
  });
}

export const typeOf = (value: Value): TensorType => value.type as TensorType;
