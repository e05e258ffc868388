import { importFlexAttention } from './flexAttention.ts';
import type { Frame, GraphImporter } from './graph.ts';
import { importIf } from './if.ts';
import { importLoop } from './loop.ts';
import type { ImportedNode } from './node.ts';
import { importScan } from './scan.ts';
import type { Item } from './scope.ts';
import { sequenceOperators } from './sequences.ts';

/** One node whose operator has graphs inside, or works on sequences and optionals. */
export interface Call {
  readonly node: ImportedNode;
  /** What input `i` stands for; undefined when it is absent. */
  readonly item: (i: number) => Item | undefined;
  readonly frame: Frame;
  readonly importer: GraphImporter;
}

/** Gives the outputs, or undefined to leave the node to the mappings. */
export type Structural = (call: Call) => readonly Item[] | undefined;

/** The operators that are more than a function of tensors, by name, those of other domains with their domain. */
export const structural: ReadonlyMap<string, Structural> = new Map([
  ['If', importIf],
  ['Loop', importLoop],
  ['Scan', importScan],
  ...sequenceOperators,
  ['ai.onnx.preview.FlexAttention', importFlexAttention],
]);
