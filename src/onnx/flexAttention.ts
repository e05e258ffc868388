import { repeatHeads } from '../../dialects/nn/composed/attention.ts';
import { Compose, elementOf, known, shapeOf } from '../../dialects/nn/composed/compose.ts';
import { type Dim, Value } from '../ir/index.ts';
import type { Item } from './scope.ts';
import type { Call } from './structural.ts';

/** Attention whose scores and probabilities pass through graphs of their own. Source: ONNX FlexAttention, preview. */
export function importFlexAttention(call: Call): readonly Item[] {
  const { node } = call;
  const c = new Compose(node);
  const [query, key, value] = [node.input(0), node.input(1), node.input(2)];
  if (shapeOf(query).length !== 4) return node.refuse(`queries of rank ${shapeOf(query).length}`);
  const [, heads, , size] = shapeOf(query) as [Dim, Dim, Dim, Dim];
  const [own, shared, width] = known(node, [heads, shapeOf(key)[1] as Dim, size], 'heads') as [number, number, number];
  if (own % shared !== 0) return node.refuse(`${own} heads of queries for ${shared} of keys`);
  // The precision of the softmax: evaluation is in f64, kernels in f32.
  node.int('softmax_precision', 1);
  const root = c.scalar(Math.sqrt(node.float('scale', 0) || 1 / Math.sqrt(width)), query);
  const keys = c.mul(repeatHeads(c, key, own / shared), root);
  const scores = c.matmul(c.mul(query, root), c.transpose(keys, [0, 1, 3, 2]));
  const weights = c.softmax(modified(call, 'score_mod', scores), 3);
  const probabilities = modified(call, 'prob_mod', weights);
  return [c.matmul(c.cast(probabilities, elementOf(value)), repeatHeads(c, value, own / shared))];
}

/** What the graph in an attribute makes of a tensor; the tensor where there is none. */
function modified({ node, frame, importer }: Call, attribute: string, x: Value): Value {
  if (!node.hasAttribute(attribute)) return x;
  const graph = node.graph(attribute);
  const [input] = graph.inputs;
  if (graph.inputs.length !== 1 || !input) return node.refuse(`${attribute} with ${graph.inputs.length} inputs`);
  const find = (name: string) => frame.scope.find(name);
  const inner = importer.inside(frame, graph, find);
  inner.scope.bind(input.name, x);
  const [y] = importer.importGraph(graph, inner, (name) => name === input.name || find(name) !== undefined);
  return y instanceof Value ? y : node.refuse(`${attribute} that gives no tensor`);
}
