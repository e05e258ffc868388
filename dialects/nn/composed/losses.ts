import type { Dim, OnnxMapping, OnnxNode, Value } from '../../../src/ir/index.ts';
import { product } from '../axes.ts';
import { gatherElements } from '../gatherElements.ts';
import { exp, log, neg } from '../unary.ts';
import { Compose, elementOf, shapeOf } from './compose.ts';

/** −weight[target]·logProbability[target] of each place, combined as `reduction` says. */
function negativeLogLikelihood(c: Compose, logs: Value): Value {
  const { node } = c;
  const reduction = node.string('reduction', 'mean');
  if (!['none', 'sum', 'mean'].includes(reduction)) return node.refuse(`reduction '${reduction}'`);
  const [given, weight] = [node.input(1), node.optionalInput(2)];
  const target = c.cast(given, 'i64');
  const shape = shapeOf(target);
  const ignored = node.hasAttribute('ignore_index')
    ? c.equal(target, c.scalar(node.int('ignore_index'), target))
    : undefined;
  const places = ignored ? c.where(ignored, c.scalar(0, target), target) : target;
  const [batch, ...spatial] = shape as [Dim, ...Dim[]];
  const indices = c.reshape(places, [batch, 1, ...spatial]);
  const picked = c.reshape(node.create(gatherElements, { x: logs, indices }, { axis: 1 }).result, shape);
  const one = weight ? c.gather(weight, places, 0) : c.filled(1, elementOf(logs), shape);
  const weights = ignored ? c.where(ignored, c.scalar(0, logs), one) : one;
  const loss = c.mul(c.apply(neg, picked), weights);
  const axes = shape.map((_, i) => i);
  const total = (x: Value) => c.sum(x, axes, false);
  if (reduction === 'none') return loss;
  return reduction === 'sum' ? total(loss) : c.div(total(loss), total(weights));
}

function logSoftmax(c: Compose, x: Value): Value {
  const centred = c.sub(x, c.largest(x, [1]));
  return c.sub(centred, c.apply(log, c.sum(c.apply(exp, centred), [1])));
}

function softmaxCrossEntropy(node: OnnxNode): Value[] {
  const c = new Compose(node);
  const logs = logSoftmax(c, node.input(0));
  // Both numbers of places are one: [N, C, places…].
  if (product(shapeOf(logs)) === 0) return node.refuse('an empty input');
  return [negativeLogLikelihood(c, logs), logs];
}

export const lossMappings: readonly OnnxMapping[] = [
  {
    op: 'NegativeLogLikelihoodLoss',
    build: (node): Value => negativeLogLikelihood(new Compose(node), node.input(0)),
  },
  { op: 'SoftmaxCrossEntropyLoss', build: softmaxCrossEntropy },
];
