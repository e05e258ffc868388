import type { LayerExplanation } from '../api/explain/layers.ts';
import { countText } from '../api/summary.ts';
import { tableText } from './table.ts';

/** What was decided about each layer, as a table. */
export function explainText(layers: readonly LayerExplanation[]): string {
  if (layers.length === 0) return 'nothing is quantized under this scheme';
  const head = ['layer', 'operation', 'multiply-adds', 'weights', 'activations', 'why'];
  const rows = layers.map(({ node, op, multiplyAdds, weights, activations, reason }) => [
    node || '(no name)',
    op,
    countText(multiplyAdds),
    weights,
    activations,
    reason,
  ]);
  return tableText([head, ...rows]);
}
