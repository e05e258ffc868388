import type { Dim, OnnxMapping, OnnxNode, Value } from '../../../src/ir/index.ts';
import { product } from '../axes.ts';
import { Compose, known, shapeOf } from './compose.ts';

// Einsum, operand by operand: what two of them share is a product of matrices.

/** A value and what its axes are called: a letter, or `…n` for the n-th axis from the end of an ellipsis. */
interface Labelled {
  readonly value: Value;
  readonly labels: readonly string[];
}

/** The axes of one term of an equation. */
function readTerm(node: OnnxNode, term: string, rank: number): string[] {
  const [before = '', after, more] = term.split('...');
  const named = before.length + (after?.length ?? 0);
  const legal = /^[A-Za-z]*$/.test(before + (after ?? ''));
  const fits = after === undefined ? named === rank : named <= rank;
  if (!legal || more !== undefined || !fits) return node.refuse(`the term '${term}' for ${rank} axes`);
  const rest = Array.from({ length: after === undefined ? 0 : rank - named }, (_, i) => `…${rank - named - 1 - i}`);
  return [...before, ...rest, ...(after ?? '')];
}

/** Repeated axes become one, their diagonal. */
function diagonals(c: Compose, { value, labels }: Labelled): Labelled {
  const twice = labels.find((label, i) => labels.indexOf(label) !== i);
  if (twice === undefined) return { value, labels };
  const [first, second] = [labels.indexOf(twice), labels.lastIndexOf(twice)];
  const others = labels.map((_, i) => i).filter((i) => i !== first && i !== second);
  const moved = c.transpose(value, [...others, first, second]);
  const [size] = known(c.node, [shapeOf(value)[first] as Dim], 'a diagonal') as [number];
  const shape = others.map((i) => shapeOf(value)[i] as Dim);
  const flat = c.reshape(moved, [...shape, size * size]);
  const diagonal = c.slice(flat, shape.length, 0, size, size + 1);
  return diagonals(c, { value: diagonal, labels: [...others.map((i) => labels[i] as string), twice] });
}

/** Sums over the axes that nothing else needs. */
function sumUnneeded(c: Compose, { value, labels }: Labelled, needed: ReadonlySet<string>): Labelled {
  const axes = labels.flatMap((label, i) => (needed.has(label) ? [] : [i]));
  return { value: c.sum(value, axes, false), labels: labels.filter((label) => needed.has(label)) };
}

const sizesOf = ({ value, labels }: Labelled, picked: readonly string[]): Dim[] =>
  picked.map((label) => shapeOf(value)[labels.indexOf(label)] as Dim);

/** Two operands as one; axes in both that are not needed any more are summed over. */
function contract(c: Compose, a: Labelled, b: Labelled, needed: ReadonlySet<string>): Labelled {
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const batch = shared.filter((label) => needed.has(label));
  const summed = shared.filter((label) => !needed.has(label));
  const [left, right] = [a, b].map(({ labels }) => labels.filter((label) => !shared.includes(label))) as [
    string[],
    string[],
  ];
  const inner = summed.map((label) => {
    const [p, q] = [sizesOf(a, [label])[0] as Dim, sizesOf(b, [label])[0] as Dim];
    return p === 1 ? q : p;
  });
  const arrange = (x: Labelled, order: readonly string[]) =>
    c.transpose(
      x.value,
      order.map((label) => x.labels.indexOf(label)),
    );
  const [rows, columns] = [sizesOf(a, left), sizesOf(b, right)];
  const lhs = c.expand(arrange(a, [...batch, ...left, ...summed]), [...sizesOf(a, batch), ...rows, ...inner]);
  const rhs = c.expand(arrange(b, [...batch, ...summed, ...right]), [...sizesOf(b, batch), ...inner, ...columns]);
  const x = c.reshape(lhs, [...sizesOf(a, batch), product(rows), product(inner)]);
  const y = c.reshape(rhs, [...sizesOf(b, batch), product(inner), product(columns)]);
  const result = summed.length === 0 ? c.mul(x, y) : c.matmul(x, y);
  const outer = shapeOf(result).slice(0, batch.length);
  return { value: c.reshape(result, [...outer, ...rows, ...columns]), labels: [...batch, ...left, ...right] };
}

function einsum(node: OnnxNode): Value {
  const c = new Compose(node);
  const equation = node.string('equation').replace(/\s/g, '');
  const [inputs = '', output, more] = equation.split('->');
  const terms = inputs.split(',');
  if (more !== undefined || terms.length !== node.inputCount) return node.refuse(`the equation '${equation}'`);
  const operands = terms.map((term, i) => {
    const value = node.input(i);
    return diagonals(c, { value, labels: readTerm(node, term, shapeOf(value).length) });
  });
  const every = operands.flatMap(({ labels }) => labels);
  const ellipsis = [...new Set(every.filter((label) => label.startsWith('…')))].sort(
    (a, b) => Number(b.slice(1)) - Number(a.slice(1)),
  );
  const result = resultLabels(node, terms.join(''), output, ellipsis);
  if (result.some((label) => !every.includes(label))) return node.refuse(`the equation '${equation}'`);
  let total = operands[0] as Labelled;
  operands.slice(1).forEach((next, i) => {
    const later = operands.slice(i + 2).flatMap(({ labels }) => labels);
    const needed = new Set([...result, ...later]);
    const a = sumUnneeded(c, total, new Set([...needed, ...next.labels]));
    const b = sumUnneeded(c, next, new Set([...needed, ...a.labels]));
    total = contract(c, a, b, needed);
  });
  const { value, labels } = sumUnneeded(c, total, new Set(result));
  return c.transpose(
    value,
    result.map((label) => labels.indexOf(label)),
  );
}

/** Without an output, the axes that occur once, in the order of the alphabet, behind those of the ellipsis. */
function resultLabels(
  node: OnnxNode,
  letters: string,
  output: string | undefined,
  ellipsis: readonly string[],
): string[] {
  if (output === undefined) {
    const named = [...letters.replaceAll('.', '')];
    return [...ellipsis, ...named.filter((label) => named.indexOf(label) === named.lastIndexOf(label)).sort()];
  }
  if (!output.includes('...')) return readTerm(node, output, output.length);
  return readTerm(node, output, output.length - 3 + ellipsis.length);
}

export const einsumMappings: readonly OnnxMapping[] = [{ op: 'Einsum', build: einsum }];
