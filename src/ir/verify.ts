import { QcError } from '../support/diagnostics.ts';
import type { Attribute } from './attribute.ts';
import type { Func, Module } from './module.ts';
import type { Block, Op, Value } from './op.ts';
import { expressed, quantOf, type Type } from './types.ts';

/** Checks every function of a module. Throws a QcError that names the op and the model's node. */
export function verifyModule(module: Module): void {
  for (const func of module.functions.values()) verifyFunction(func);
}

/** Checks one function: structure, dominance, operand counts, attributes, types, and each op's own rules. */
export function verifyFunction(func: Func): void {
  verifyBlock(func.body, new Set(), func.name);
}

function verifyBlock(block: Block, visible: ReadonlySet<Value>, where: string): void {
  const known = new Set([...visible, ...block.args]);
  for (const op of block.ops()) {
    const place = () => `${op.name}${op.source ? ` (${op.source})` : ''} in @${where}`;
    const fail = (what: string): never => {
      throw new QcError({ what, where: place(), why: 'the IR is not well formed' });
    };
    if (op.block !== block) fail('an op does not know the block that holds it');
    if (op.definition.terminator !== (op.next === undefined)) {
      if (op.definition.terminator) fail('a terminator is not the last op of its block');
      else fail('the last op of a block is not a terminator');
    }
    op.operands.forEach((operand, i) => {
      if (operand && !known.has(operand)) fail(`operand ${i} is not defined before it is used`);
      if (operand && !lists(operand, op, i)) {
        fail(`operand ${i} does not list this use`);
      }
    });
    verifyOperandCount(op, fail);
    verifyAttributes(op, fail);
    verifyTypes(op, fail);
    runOwnChecks(op, place);
    for (const region of op.regions) verifyBlock(region, known, where);
    for (const result of op.results) known.add(result);
  }
}

/** Whether a value knows that an op uses it as this operand. */
function lists(value: Value, op: Op, index: number): boolean {
  for (const use of value.uses) if (use.op === op && use.index === index) return true;
  return false;
}

function verifyOperandCount(op: Op, fail: (what: string) => never): void {
  const arities = Object.entries(op.definition.operands);
  const variadic = arities.at(-1)?.[1] === 'variadic';
  if (!variadic && op.operands.length > arities.length) {
    fail(`${op.operands.length} operands, where ${arities.length} are known`);
  }
  arities.forEach(([name, arity], i) => {
    if (arity === 'required' && !op.operands[i]) fail(`operand '${name}' is missing`);
  });
  const { regions } = op.definition;
  if (regions !== 'variadic' && op.regions.length !== regions)
    fail(`${op.regions.length} regions, expected ${regions}`);
}

function verifyAttributes(op: Op, fail: (what: string) => never): void {
  const specs = op.definition.attributes;
  for (const [name, value] of Object.entries(op.attributes)) {
    const spec = specs[name];
    if (!spec) fail(`attribute '${name}' is not known`);
    else if (value !== undefined && !spec.accepts(value as Attribute)) fail(`attribute '${name}' must be ${spec.kind}`);
  }
  for (const [name, spec] of Object.entries(specs)) {
    if (!spec.optional && spec.default === undefined && op.attributes[name] === undefined) {
      fail(`attribute '${name}' is missing`);
    }
  }
}

function verifyTypes(op: Op, fail: (what: string) => never): void {
  const inferred = op.definition.infer(op.operands, op.attributes);
  if (!inferred) return;
  if (inferred.length !== op.results.length) fail(`${op.results.length} results, inferred ${inferred.length}`);
  inferred.forEach((type, i) => {
    const actual = (op.results[i] as Value).type;
    if (!fits(actual, type, op.definition.typing)) fail(`result ${i} is ${actual.key}, inferred ${type.key}`);
  });
}

/** Whether a result of type `actual` may stand where `inferred` was inferred; layouts are free. */
function fits(actual: Type, inferred: Type, typing: string): boolean {
  if (actual === inferred) return true;
  if (actual.kind !== 'tensor' || inferred.kind !== 'tensor') return false;
  const sameShape =
    actual.shape.length === inferred.shape.length && actual.shape.every((dim, i) => dim === inferred.shape[i]);
  if (!sameShape) return false;
  if (actual.element === inferred.element) return true;
  return typing === 'free' && quantOf(actual)?.expressed === expressed(inferred.element);
}

function runOwnChecks(op: Op, place: () => string): void {
  try {
    op.definition.verify(op);
  } catch (error) {
    if (!(error instanceof QcError)) throw error;
    const { what, why, help } = error.diagnostic;
    throw new QcError({ what, where: error.diagnostic.where ?? place(), why, help });
  }
}
