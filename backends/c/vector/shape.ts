import { elementOf, type LanewiseName, lanesOf, lanewisePrimitives, vector } from '../../../dialects/kernel/index.ts';
import * as structure from '../../../dialects/kernel/structure.ts';
import { bitsOf, bytesOf, isFloat, type OpDefinition, type ScalarType, type Value } from '../../../src/ir/index.ts';
import { invariant } from '../../../src/support/diagnostics.ts';
import { guarded } from '../guard.ts';
import type { CSupport } from '../language.ts';
import { cType } from '../types.ts';

/** The type of a variable that holds a vector, or a part of one. */
export interface Shape {
  readonly element: ScalarType;
  readonly lanes: number;
}

export const bytesOfShape = ({ element, lanes }: Shape): number => bytesOf(element) * lanes;

/** Notes that a file needs the type, and gives its name. */
export function typeName(support: CSupport, shape: Shape): string {
  const element = shape.element === 'index' ? 'i32' : shape.element;
  const { lanes } = shape;
  const name = `qc_${element}x${lanes}`;
  const scalar = cType(element);
  const text = guarded(
    support.machine,
    'QC_VECTORS',
    [`typedef ${scalar} ${name} __attribute__((vector_size(${bytesOfShape(shape)})));`],
    [`typedef struct { ${scalar} lane[${lanes}]; } ${name};`],
  ).join('\n');
  support.require({ name, text, needs: [] });
  return name;
}

/** The unsigned integers, and the signed ones that masks are made of, with lanes of the same width. */
export const unsignedShape = ({ element, lanes }: Shape): Shape => ({ element: `u${bitsOf(element)}` as 'u32', lanes });
export const maskShape = ({ element, lanes }: Shape): Shape => ({ element: `i${bitsOf(element)}` as 'i32', lanes });

export const isSigned = ({ element }: Shape): boolean => element.startsWith('i');
export const isReal = ({ element }: Shape): boolean => isFloat(element);

const throughMasks: readonly LanewiseName[] = ['and', 'or', 'xor', 'select'];
const rearranged: readonly OpDefinition[] = [vector.concat, vector.slice];

/** The element of a value's lanes; a mask has lanes as wide as those that were compared. */
function laneElement(value: Value): ScalarType {
  const element = elementOf(value);
  if (element !== 'i1') return element === 'index' ? 'i32' : element;
  const { op } = value;
  if (op?.definition === lanewisePrimitives.cmp.definition)
    return `i${bitsOf(laneElement(op.operand(0)))}` as ScalarType;
  // a truth value in every lane: as narrow as can be
  if (vector.splat.is(op) || structure.constant.is(op)) return 'i8';
  const through = throughMasks.map((name) => lanewisePrimitives[name].definition);
  invariant(op && [...through, ...rearranged].includes(op.definition), 'a mask that no comparison made');
  return laneElement(op.operand(op.operands.length - 1));
}

/** How a vector is held: `count` variables of one shape, a power of two of lanes each and none larger than `bytes`. */
export function piecesOf(value: Value, bytes: number): { readonly shape: Shape; readonly count: number } {
  const element = laneElement(value);
  const lanes = lanesOf(value);
  const each = Math.min(lanes & -lanes, bytes / bytesOf(element));
  invariant(lanes === 1 || each > 1, `vectors of ${lanes} lanes`);
  return { shape: { element, lanes: each }, count: lanes / each };
}
