import { concat } from '../../dialects/nn/concat.ts';
import { reshape } from '../../dialects/nn/reshape.ts';
import { slice } from '../../dialects/nn/slice.ts';
import type { Value } from '../ir/index.ts';
import type { ImportedNode } from './node.ts';
import { typeOf } from './region.ts';
import { buildScan } from './scanLoop.ts';
import type { Call } from './structural.ts';

/** Version 8: every input has a batch before its other axes, and the scan runs for each of its members. */
export function importScan8(call: Call): readonly Value[] {
  const { node } = call;
  if (node.optionalInput(0)) return node.refuse('sequence_lens', 'convert the model to operator set 13');
  const body = node.graph('body');
  const count = node.int('num_scan_inputs');
  const inputs = Array.from({ length: node.inputCount - 1 }, (_, i) => node.input(i + 1));
  const [first] = inputs;
  const batch = first && typeOf(first).shape[0];
  if (typeof batch !== 'number' || batch < 1 || body.inputs.length !== inputs.length || count > inputs.length) {
    return node.refuse(`${inputs.length} inputs with a batch of ${batch}`, 'convert the model to operator set 13');
  }
  const directions = node.ints(
    'directions',
    inputs.slice(-count).map(() => 0),
  );
  const members = Array.from({ length: batch }, (_, b) => {
    const own = inputs.map((x) => member(node, x, b));
    const scanned = own.slice(-count);
    return buildScan(call, {
      body,
      states: own.slice(0, -count),
      scanned,
      inputAxes: scanned.map(() => 0),
      inputReversed: scanned.map((_, i) => directions[i] === 1),
    });
  });
  return (members[0] ?? []).map((_, i) =>
    joined(
      node,
      members.map((results) => results[i] as Value),
    ),
  );
}

/** One member of a batch, without the batch's axis. */
function member(node: ImportedNode, x: Value, index: number): Value {
  const { shape } = typeOf(x);
  const attributes = {
    starts: shape.map((_, i) => (i === 0 ? index : 0)),
    steps: shape.map(() => 1),
    sizes: shape.with(0, 1),
  };
  const taken = node.create(slice, { x }, attributes).result;
  return node.create(reshape, { x: taken }, { shape: shape.slice(1) }).result;
}

function joined(node: ImportedNode, values: readonly Value[]): Value {
  const xs = values.map((x) => node.create(reshape, { x }, { shape: [1, ...typeOf(x).shape] }).result);
  return xs.length === 1 ? (xs[0] as Value) : node.create(concat, { xs }, { axis: 0 }).result;
}
