import type { Attribute, Block, Func, Module, Op, Resource, State, Value } from '../ir/index.ts';
import { sameAttribute } from './attributeKinds.ts';
import { nameText, UniqueNames, wordText } from './names.ts';
import { numberText } from './numbers.ts';
import { AttributePrinter, paramsText } from './printAttribute.ts';
import { companionBytes, largeResources, resourceLines, type WeightsForm } from './printResources.ts';
import { collectSymbols } from './symbolTable.ts';

export interface PrintOptions {
  /** How resources over 4 KB are said. Default `file`. */
  readonly weights?: WeightsForm;
}

/** A module's text, for which no large resource is read until someone wants it. */
export interface LazyText {
  readonly text: () => string;
  /** The resources whose bytes are the companion file, in its order. */
  readonly large: readonly Resource[];
}

/**
 * A module as text, and the bytes of its companion file (`FILE.qir.bin`) when it has resources over 4 KB.
 * `parse(text, {registry, bin})` gives the same module.
 */
export function printModule(module: Module, options: PrintOptions = {}): { text: string; bin?: Uint8Array } {
  const { text, large } = printModuleLazily(module, options);
  const bin = companionBytes(large);
  return bin ? { text: text(), bin } : { text: text() };
}

/** As printModule; the text may be asked for later, even when the module has changed since. */
export function printModuleLazily(module: Module, options: PrintOptions = {}): LazyText {
  const symbols = collectSymbols(module);
  const { weights = 'file' } = options;
  const printer = new AttributePrinter(symbols);
  const declared = [
    ...[...module.symbols].map(
      ([name, { min, max }]) => `symbol ${wordText(name)} in ${numberText(min)}..${numberText(max)}`,
    ),
    ...module.states.map(stateText),
    ...[...symbols.params].map(([params, name]) => `quant @${name} ${paramsText(params)}`),
  ];
  const facts = [...module.facts].map(([name, one]) => `fact ${wordText(name)} = ${printer.attribute(one)}`);
  const functions = [...module.functions.values()].map((func) => new FunctionPrinter(printer).print(func));
  const text = () => {
    const header = [...declared, ...resourceLines(symbols.resources, weights), ...facts];
    return [...(header.length > 0 ? [`${header.join('\n')}\n`] : []), ...functions].join('\n');
  };
  return { text, large: weights === 'random' ? [] : largeResources(symbols.resources) };
}

function stateText({ output, input, append }: State): string {
  const grows = append
    ? ` {axis = ${append.axis}, max = ${append.max}${append.as ? `, as = "${append.as}"` : ''}}`
    : '';
  return `state ${wordText(output)} -> ${wordText(input)}${grows}`;
}

/** Prints one function; value names are unique in it. */
class FunctionPrinter {
  readonly #attributes: AttributePrinter;
  readonly #names = new Map<Value, string>();
  readonly #hints = new UniqueNames();
  readonly #lines: string[] = [];
  #unnamed = 0;

  constructor(attributes: AttributePrinter) {
    this.#attributes = attributes;
  }

  print(func: Func): string {
    const results = func.resultTypes.map((type, i) => {
      const name = func.resultNames[i];
      return `${name === undefined ? '' : `%${nameText(name)}: `}${this.#attributes.type(type)}`;
    });
    const arrow = func.kind === 'func' || results.length > 0 ? ` -> (${results.join(', ')})` : '';
    this.#lines.push(`${func.kind} @${nameText(func.name)}${this.#arguments(func.body)}${arrow} {`);
    this.#ops(func.body, '  ');
    this.#lines.push('}', '');
    return this.#lines.join('\n');
  }

  #line(op: Op): string {
    const results = op.results.map((r) => this.#name(r)).join(', ');
    const operands = op.operands.map((v) => (v ? this.#name(v) : '_')).join(', ');
    const attributes = this.#opAttributes(op);
    const types = op.results.map((r) => this.#attributes.type(r.type)).join(', ');
    return [
      ...(results ? [results, '='] : []),
      op.name,
      ...(operands ? [operands] : []),
      ...(attributes ? [attributes] : []),
      ...(types ? [':', types] : []),
    ].join(' ');
  }

  #ops(block: Block, indent: string): void {
    for (const op of block.ops()) {
      const loc = op.source ? ` loc(${JSON.stringify(op.source)})` : '';
      if (op.regions.length === 0) {
        this.#lines.push(`${indent}${this.#line(op)}${loc}`);
        continue;
      }
      this.#lines.push(`${indent}${this.#line(op)} ({`);
      op.regions.forEach((region, i) => {
        if (i > 0) this.#lines.push(`${indent}}, {`);
        if (region.args.length > 0) this.#lines.push(`${indent}^${this.#arguments(region)}:`);
        this.#ops(region, `${indent}  `);
      });
      this.#lines.push(`${indent}})${loc}`);
    }
  }

  #arguments(block: Block): string {
    return `(${block.args.map((arg) => `${this.#name(arg)}: ${this.#attributes.type(arg.type)}`).join(', ')})`;
  }

  /** Attributes that differ from their defaults, in the order in which the op declares them. */
  #opAttributes(op: Op): string {
    const specs = op.definition.attributes;
    const given: Record<string, Attribute | undefined> = {};
    for (const [name, spec] of Object.entries(specs)) {
      if (!sameAttribute(op.attributes[name], spec.default)) given[name] = op.attributes[name];
    }
    for (const [name, value] of Object.entries(op.attributes)) if (!Object.hasOwn(specs, name)) given[name] = value;
    return Object.values(given).some((value) => value !== undefined) ? this.#attributes.dictionary(given) : '';
  }

  #name(value: Value): string {
    let name = this.#names.get(value);
    if (name === undefined) {
      name = value.name ? `%${nameText(this.#hints.take(value.name))}` : `%${this.#unnamed++}`;
      this.#names.set(value, name);
    }
    return name;
  }
}
