import type { Case } from './cases.ts';

interface Attention {
  readonly query: readonly number[];
  readonly key: readonly number[];
  /** Elements of a value. */
  readonly width: number;
  readonly bias?: readonly number[];
}

const typeOf = (shape: readonly number[], element = 'f32') => `tensor<${shape.join('x')}x${element}>`;

/** Elements that share a scale in rows of some width. */
const groups: Readonly<Record<number, number>> = { 6: 1, 10: 1, 64: 2 };

const storages = {
  f32: { element: 'f32', stored: 1, scales: [] },
  f16: { element: 'f16', stored: 1, scales: [] },
  int8: { element: 'i8', stored: 1, scales: ['s'] },
  int4: { element: 'u8', stored: 0.5, scales: ['s', 'l'] },
  'int4-rotated': { element: 'u8', stored: 0.5, scales: ['s', 'l'] },
} as const;

function attentionCase(storage: keyof typeof storages, { query, key, width, bias }: Attention): Case {
  const { element, stored, scales } = storages[storage];
  const args: string[] = [`%q: ${typeOf(query)}`, ...(bias ? [`%b: ${typeOf(bias)}`] : [])];
  const lines: string[] = [];
  const rows = (name: string, shape: readonly number[]): void => {
    if (scales.length > 0) {
      const codes = shape.with(-1, (shape.at(-1) as number) * stored);
      const of = shape.with(-1, groups[shape.at(-1) as number] as number);
      args.push(`%${name}c: ${typeOf(codes, element)}`, ...scales.map((s) => `%${name}${s}: ${typeOf(of)}`));
      const operands = [`%${name}c`, ...scales.map((s) => `%${name}${s}`)];
      const real = storage === 'int4-rotated' ? `${name}t` : name;
      lines.push(`%${real} = quant.row_dcast ${operands.join(', ')} : ${typeOf(shape)} loc("${name}")`);
      if (real === name) return;
      const block = (shape.at(-1) as number) & -(shape.at(-1) as number);
      lines.push(
        `%${name} = nn.hadamard %${real} {block = ${block}, scale = ${1 / block}} : ${typeOf(shape)} loc("${name}")`,
      );
      return;
    }
    args.push(`%${name}${element === 'f16' ? 'x' : ''}: ${typeOf(shape)}`);
    if (element !== 'f16') return;
    lines.push(`%${name}h = nn.cast %${name}x {to = "f16"} : ${typeOf(shape, 'f16')} loc("${name}")`);
    lines.push(`%${name} = nn.cast %${name}h {to = "f32"} : ${typeOf(shape)} loc("${name}")`);
  };
  rows('k', key);
  rows('v', key.with(-1, width));
  const y = typeOf(query.with(-1, width));
  const scale = 1 / Math.sqrt(query.at(-1) as number);
  // codes are large, and so would be their scores
  const factor = scales.length > 0 ? scale / 128 : scale;
  return {
    name: `attention of ${query.join('×')} on ${key.join('×')} of ${storage}${bias ? `, biases ${bias.join('×')}` : ''}, values of ${width}`,
    tolerance: 1e-5,
    text: `
func @main(${args.join(', ')}) -> (%y: ${y}) {
  ${lines.join('\n  ')}
  %0 = nn.attention %q, %k, %v${bias ? ', %b' : ''} {scale = ${factor}} : ${y} loc("attend")
  nn.return %0
}
`,
  };
}

/** Queries and keys as they are made, [batch, tokens, heads, size]: their axes are only named anew. */
const turned: Case = {
  name: 'attention on keys that lie token by token, results too',
  tolerance: 1e-5,
  text: `
func @main(%q: tensor<2x3x4x8xf32>, %k: tensor<2x13x2x8xf32>, %v: tensor<2x13x2x8xf32>) -> (%y: tensor<2x3x4x8xf32>) {
  %qt = nn.transpose %q {perm = [0, 2, 1, 3]} : tensor<2x4x3x8xf32> loc("q")
  %kt = nn.transpose %k {perm = [0, 2, 1, 3]} : tensor<2x2x13x8xf32> loc("k")
  %vt = nn.transpose %v {perm = [0, 2, 1, 3]} : tensor<2x2x13x8xf32> loc("v")
  %a = nn.attention %qt, %kt, %vt {scale = 0.35} : tensor<2x4x3x8xf32> loc("attend")
  %0 = nn.transpose %a {perm = [0, 2, 1, 3]} : tensor<2x3x4x8xf32> loc("y")
  nn.return %0
}
`,
};

/** Keys that nothing may see: first, last, and all of one query, which then gives zeros. */
const masked: Case = {
  name: 'attention under a mask',
  tolerance: 1e-5,
  text: `
func @main(%q: tensor<1x2x3x8xf32>, %k: tensor<1x2x13x8xf32>, %v: tensor<1x2x13x8xf32>, %p: tensor<2x13xf32>, %z: tensor<1x13xf32>) -> (%y: tensor<1x2x3x8xf32>) {
  %some = nn.clamp %p {min = 0, max = inf} : tensor<2x13xf32> loc("some")
  %none = nn.clamp %z {min = 0, max = 0} : tensor<1x13xf32> loc("none")
  %open = nn.concat %some, %none {axis = 0} : tensor<3x13xf32> loc("open")
  %b = nn.log %open : tensor<3x13xf32> loc("b")
  %0 = nn.attention %q, %k, %v, %b {scale = 0.35, zeros = true} : tensor<1x2x3x8xf32> loc("attend")
  nn.return %0
}
`,
};

const small: Attention = { query: [2, 3, 5, 8], key: [2, 3, 11, 8], width: 8, bias: [1, 1, 5, 11] };
const one: Attention = { query: [1, 6, 1, 64], key: [1, 2, 21, 64], width: 64 };
const odd: Attention = { query: [4, 3, 6], key: [2, 19, 6], width: 10, bias: [4, 1, 1] };

export const attentionCases: readonly Case[] = [
  attentionCase('f32', small),
  attentionCase('f32', one),
  attentionCase('f32', odd),
  ...(['f16', 'int8', 'int4', 'int4-rotated'] as const).flatMap((storage) => [
    attentionCase(storage, one),
    attentionCase(storage, odd),
  ]),
  turned,
  masked,
];
