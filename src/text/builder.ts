import {
  type Attribute,
  type Attributes,
  type Block,
  cacheCodes,
  Func,
  isScalarType,
  Module,
  type Op,
  type QuantParams,
  quantParams,
  type Registry,
  Resource,
  Rewriter,
  type Type,
  type Value,
} from '../ir/index.ts';
import { didYouMean, type QcError } from '../support/diagnostics.ts';
import { type ExternalFile, rangeReader } from '../support/externalFile.ts';
import { type DType, elementBytes, isDType } from '../support/tensor.ts';
import { fromBase64 } from './base64.ts';
import { errorAt, type SourceText } from './errors.ts';
import { unquote } from './names.ts';
import { type RandomRange, RandomResource } from './random.ts';

/** A piece of the text with its place. */
export interface Spelled {
  readonly text: string;
  readonly offset: number;
}

/** What a resource's line says before `=`. */
export interface ResourceHead {
  readonly name: Spelled;
  readonly element: Spelled;
  readonly length: number;
}

/** Makes a module out of what the grammar has read; every complaint names the place. */
export class ModuleBuilder {
  readonly module: Module = new Module();
  readonly #source: SourceText;
  readonly #registry: Registry;
  readonly #bin: Uint8Array | ExternalFile | undefined;
  readonly #params = new Map<string, QuantParams>();
  readonly #resources = new Map<string, Resource>();
  readonly #values = new Map<string, Value>();
  readonly #scopes: string[][] = [];
  readonly #rewriter = new Rewriter();

  constructor(source: SourceText, registry: Registry, bin: Uint8Array | ExternalFile | undefined) {
    this.#source = source;
    this.#registry = registry;
    this.#bin = bin;
  }

  error(offset: number, what: string, help?: string): QcError {
    return errorAt(this.#source, offset, what, help);
  }

  addSymbol(name: Spelled, min: number, max: number): void {
    if (this.module.symbols.has(name.text)) throw this.error(name.offset, `symbol ${name.text} is declared twice`);
    this.module.symbols.set(name.text, { min, max });
  }

  addState(output: Spelled, input: Spelled, append: Attributes | undefined): void {
    if (this.module.states.some((state) => state.input === input.text || state.output === output.text)) {
      throw this.error(output.offset, `the state ${output.text} -> ${input.text} has a name twice`);
    }
    const names = { output: output.text, input: input.text };
    if (!append) {
      this.module.states.push(names);
      return;
    }
    const { axis, max, as: word } = append;
    if (typeof axis !== 'number' || typeof max !== 'number') {
      throw this.error(input.offset, `the state ${input.text} has no axis and max`, 'write {axis = 2, max = 512}');
    }
    const as = cacheCodes.find((one) => one === word);
    if (word !== undefined && !as) {
      throw this.error(
        input.offset,
        `the state ${input.text} is stored as ${word}`,
        `write ${cacheCodes.join(' or ')}`,
      );
    }
    this.module.states.push({ ...names, append: { axis, max, ...(as ? { as } : {}) } });
  }

  addParams(name: Spelled, values: Attributes): void {
    this.#declareOnce(name);
    const { scale, zero_point: zeroPoint, levels, widths } = values;
    const isNumbers = (v: Attribute | undefined): v is number[] =>
      Array.isArray(v) && v.every((x) => typeof x === 'number');
    if (!isNumbers(scale) || ![zeroPoint, levels, widths].every((list) => list === undefined || isNumbers(list))) {
      throw this.error(name.offset, `@${name.text} needs lists of numbers`, 'write {scale = [0.1], zero_point = [0]}');
    }
    if (zeroPoint && isNumbers(zeroPoint) && zeroPoint.length !== scale.length) {
      throw this.error(name.offset, `@${name.text} has ${scale.length} scales and ${zeroPoint.length} zero points`);
    }
    const lists = { zeroPoint, levels, widths } as Record<string, number[] | undefined>;
    const given = Object.fromEntries(Object.entries(lists).filter(([, list]) => list !== undefined));
    this.#params.set(name.text, quantParams({ scale, ...given }));
  }

  addFact(name: Spelled, resource: Spelled): void {
    this.module.facts.set(name.text, this.resource(resource));
  }

  addInline(head: ResourceHead, content: Spelled): void {
    const bytes = fromBase64(content.text);
    if (!bytes) throw this.error(content.offset, `the bytes of @${head.name.text} are not base64`);
    const expected = head.length * elementBytes(this.#elementOf(head));
    if (bytes.length !== expected) {
      throw this.error(content.offset, `@${head.name.text} has ${bytes.length} bytes, its type needs ${expected}`);
    }
    this.#addResource(head, (name, element, length) => new Resource(name, element, length, () => bytes));
  }

  addFromFile(head: ResourceHead, start: number, hash: Spelled): void {
    const size = head.length * elementBytes(this.#elementOf(head));
    const bin = this.#bin;
    if (!bin || start + size > bin.length) {
      const what = bin
        ? `@${head.name.text} lies beyond the end of the companion file, ${bin.length} bytes`
        : `the bytes of @${head.name.text} are in a companion file that was not given`;
      throw this.error(head.name.offset, what, 'keep the .qir.bin file beside its .qir');
    }
    const kept = bin instanceof Uint8Array ? 'here' : 'elsewhere';
    const resource = this.#addResource(
      head,
      (name, element, length) => new Resource(name, element, length, rangeReader(bin, start, size), kept),
    );
    if (resource.hash !== hash.text) {
      const help = 'take the .qir.bin file that was written together with the .qir';
      throw this.error(hash.offset, `the bytes of @${head.name.text} in the companion file have changed`, help);
    }
  }

  addRandom(head: ResourceHead, seed: number, range: RandomRange | undefined): void {
    this.#addResource(head, (name, element, length) => new RandomResource(name, element, length, seed, range));
  }

  resource(name: Spelled): Resource {
    const found = this.#resources.get(name.text);
    if (!found) throw this.#unknown(name, `there is no resource @${name.text}`, this.#resources.keys(), '@');
    return found;
  }

  params(name: Spelled): QuantParams {
    const found = this.#params.get(name.text);
    if (!found)
      throw this.#unknown(name, `there are no quantization parameters @${name.text}`, this.#params.keys(), '@');
    return found;
  }

  /** What `@name` stands for as an attribute. */
  symbolValue(name: Spelled): Attribute {
    const found = this.#params.get(name.text) ?? this.#resources.get(name.text);
    if (found) return found;
    const known = [...this.#params.keys(), ...this.#resources.keys()];
    throw this.#unknown(name, `@${name.text} is not declared`, known, '@');
  }

  beginFunction(name: Spelled, kind: 'func' | 'kernel'): Func {
    if (this.module.functions.has(name.text)) throw this.error(name.offset, `function @${name.text} is defined twice`);
    this.#scopes.push([]);
    return this.module.addFunction(new Func(name.text, kind));
  }

  enterScope(): void {
    this.#scopes.push([]);
  }

  /** Values that were defined since the matching enterScope or beginFunction are forgotten. */
  leaveScope(): void {
    for (const name of this.#scopes.pop() ?? []) this.#values.delete(name);
  }

  addArgument(block: Block, name: Spelled, type: Type): void {
    this.#define(name, block.addArgument(type));
  }

  value(name: Spelled): Value {
    const found = this.#values.get(name.text);
    if (!found) throw this.#unknown(name, `%${name.text} is not defined here`, this.#values.keys(), '%');
    return found;
  }

  addOp(
    block: Block,
    name: Spelled,
    parts: {
      results: readonly Spelled[];
      operands: readonly (Value | undefined)[];
      attributes: Attributes;
      types: readonly Type[];
    },
  ): Op {
    const { results, operands, attributes, types } = parts;
    const definition = this.#registry.ops.get(name.text);
    if (!definition) throw this.#unknown(name, `there is no op '${name.text}'`, this.#registry.ops.keys(), '');
    if (results.length !== types.length) {
      const what = `${name.text} has ${results.length} results and ${types.length} result types`;
      throw this.error(name.offset, what, 'write one type for each result, after a colon');
    }
    const op = this.#rewriter.atEnd(block).createRaw(definition, operands, attributes, { types, source: '' });
    results.forEach((result, i) => {
      this.#define(result, op.results[i] as Value);
    });
    return op;
  }

  addRegion(op: Op): Block {
    return this.#rewriter.addRegion(op);
  }

  /** `name.text` is the canonical text after `%`, so that `%0` and `%"0"` differ and `%x` and `%"x"` do not. */
  #define(name: Spelled, value: Value): void {
    if (this.#values.has(name.text)) throw this.error(name.offset, `%${name.text} is defined twice`);
    this.#values.set(name.text, value);
    this.#scopes.at(-1)?.push(name.text);
    if (!/^\d+$/.test(name.text)) value.name = unquote(name.text);
  }

  #addResource(head: ResourceHead, make: (name: string, element: DType, length: number) => Resource): Resource {
    this.#declareOnce(head.name);
    const resource = make(head.name.text, this.#elementOf(head), head.length);
    this.#resources.set(head.name.text, resource);
    return resource;
  }

  #elementOf({ element }: ResourceHead): DType {
    if (isDType(element.text) && element.text !== 'string') return element.text;
    const help = isScalarType(element.text) ? undefined : 'write a type such as f32 or i8';
    throw this.error(element.offset, `'${element.text}' is no element type of a resource`, help);
  }

  #declareOnce(name: Spelled): void {
    if (this.#params.has(name.text) || this.#resources.has(name.text)) {
      throw this.error(name.offset, `@${name.text} is declared twice`);
    }
  }

  #unknown(name: Spelled, what: string, known: Iterable<string>, sigil: string): QcError {
    const near = didYouMean(name.text, known);
    return this.error(name.offset, what, near ? `did you mean '${sigil}${near}'?` : undefined);
  }
}
