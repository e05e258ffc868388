import type { Case } from './cases.ts';

/** A module of one op on %x, and what else it needs. */
function one(name: string, x: string, y: string, op: string, more = '', setup = '', tolerance = 0): Case {
  const text = `
${more}
func @main(%x: tensor<${x}>) -> (%y: tensor<${y}>) {
${setup}
  %0 = ${op} : tensor<${y}> loc("op")
  nn.return %0
}
`;
  return { name, text, tolerance };
}

const indices = (shape: string, count: number, size: number): [string, string] => [
  `resource @i : i32[${count}] = random(3, ${-size}, ${size - 1})`,
  `  %i = nn.constant {value = @i} : tensor<${shape}xi32>`,
];

const updates = (shape: string, count: number): [string, string] => [
  `resource @u : f32[${count}] = random(4, -2, 2)`,
  `  %u = nn.constant {value = @u} : tensor<${shape}xf32>`,
];

function scattered(name: string, op: string, index: [string, string], update: [string, string]): Case {
  return one(name, '4x6xf32', '4x6xf32', op, `${index[0]}\n${update[0]}`, `${index[1]}\n${update[1]}`);
}

/** Kernels that handle one element after the other. */
const loops: Case[] = [
  one('gather_elements', '5x7xf32', '5x4xf32', 'nn.gather_elements %x, %i {axis = 1}', ...indices('5x4', 20, 7)),
  one('gather_nd', '5x5x3xf32', '6x3xf32', 'nn.gather_nd %x, %i', ...indices('6x2', 12, 5)),
  scattered(
    'scatter_elements, added',
    'nn.scatter_elements %x, %i, %u {axis = 0, reduction = "add"}',
    indices('3x6', 18, 4),
    updates('3x6', 18),
  ),
  scattered(
    'scatter_elements, largest',
    'nn.scatter_elements %x, %i, %u {axis = 1, reduction = "max"}',
    indices('4x3', 12, 6),
    updates('4x3', 12),
  ),
  scattered('scatter_nd', 'nn.scatter_nd %x, %i, %u', indices('2x1', 2, 4), updates('2x6', 12)),
  one('arg_max of codes', '3x9x5xi8', '3x1x5xi64', 'nn.arg_max %x {axis = 1}'),
  one('arg_min, the last', '3x9xf32', '3xi64', 'nn.arg_min %x {axis = -1, keepdims = false, last = true}'),
  one('cum_sum', '3x5x4xf32', '3x5x4xf32', 'nn.cum_sum %x {axis = 1}', '', '', 1e-6),
  one(
    'cum_sum, exclusive and reverse',
    '6x4xi8',
    '6x4xi8',
    'nn.cum_sum %x {axis = 0, exclusive = true, reverse = true}',
  ),
  one('cum_prod', '3x5xf32', '3x5xf32', 'nn.cum_prod %x {axis = 1}', '', '', 1e-6),
  {
    name: 'top_k',
    text: `
func @main(%x: tensor<3x11x4xf32>) -> (%y: tensor<3x5x4xf32>, %z: tensor<3x5x4xi64>) {
  %0, %1 = nn.top_k %x {k = [5], axis = 1} : tensor<3x5x4xf32>, tensor<3x5x4xi64> loc("top")
  nn.return %0, %1
}
`,
  },
  {
    name: 'top_k, smallest, with ties',
    text: `
func @main(%x: tensor<2x40xi8>) -> (%y: tensor<2x40xi8>, %z: tensor<2x40xi64>) {
  %0, %1 = nn.top_k %x {k = [40], axis = -1, largest = false} : tensor<2x40xi8>, tensor<2x40xi64> loc("top")
  nn.return %0, %1
}
`,
  },
  {
    name: 'a convolution with computed weights, groups and a fused clamp',
    text: `
func @main(%x: tensor<2x6x7x8xf32>, %w: tensor<4x3x3x2xf32>, %b: tensor<4xf32>) -> (%y: tensor<2x4x4x5xf32>) {
  %0 = nn.conv %x, %w, %b {strides = [2, 2], pads = [1, 1, 1, 2], dilations = [1, 1], group = 2, clamp = [0, 3]} : tensor<2x4x4x5xf32> loc("conv")
  %1 = nn.tanh %0 : tensor<2x4x4x5xf32> loc("tanh")
  nn.return %1
}
`,
    tolerance: 1e-5,
  },
  {
    name: 'a matmul of computed codes',
    text: `
func @main(%a: tensor<2x3x9xi8>, %b: tensor<9x5xi8>) -> (%y: tensor<2x3x5xi32>) {
  %0 = int.matmul %a, %b {zero_point_a = 3, zero_point_b = -4} : tensor<2x3x5xi32> loc("matmul")
  nn.return %0
}
`,
  },
];

/** Products of two computed tensors of codes: batches, tails of rows and columns, an odd depth, 16 bits. */
const computed: Case[] = [
  ['i8', [2, 3], [7, 8], [8, 9], 3, -4],
  ['i8', [1], [5, 16], [16, 4], -128, 0],
  ['i8', [3], [1, 7], [7, 13], 0, 127],
  ['i16', [2], [6, 12], [12, 10], 0, 0],
  ['i16', [2], [4, 5], [5, 3], 0, 0],
].map((spec) => {
  const [element, batch, [m, k], [, n], za, zb] = spec as ['i8' | 'i16', number[], number[], number[], number, number];
  const shape = (...sizes: (number | undefined)[]) => [...batch, ...sizes].join('x');
  return {
    name: `a matmul of computed ${element} codes, ${shape(m, k)} by ${shape(k, n)}`,
    text: `
func @main(%a: tensor<${shape(m, k)}x${element}>, %b: tensor<${shape(k, n)}x${element}>) -> (%y: tensor<${shape(m, n)}xi32>) {
  %0 = int.matmul %a, %b {zero_point_a = ${za}, zero_point_b = ${zb}} : tensor<${shape(m, n)}xi32> loc("matmul")
  nn.return %0
}
`,
  };
});

/** Recurrent layers, step by step. */
const layers: Case[] = [
  {
    name: 'an LSTM in both directions',
    text: `
func @main(%x: tensor<3x2x5xf32>, %w: tensor<2x24x5xf32>, %r: tensor<2x24x6xf32>, %b: tensor<2x48xf32>) -> (%y: tensor<3x2x2x6xf32>, %h: tensor<2x2x6xf32>, %c: tensor<2x2x6xf32>) {
  %0, %1, %2 = nn.lstm %x, %w, %r, %b {direction = "bidirectional", activations = ["Sigmoid", "Tanh", "Tanh", "HardSigmoid", "Softsign", "Tanh"], alphas = [0, 0, 0, 0.2, 0, 0], betas = [0, 0, 0, 0.5, 0, 0], clip = 2} : tensor<3x2x2x6xf32>, tensor<2x2x6xf32>, tensor<2x2x6xf32> loc("lstm")
  nn.return %0, %1, %2
}
`,
    tolerance: 1e-5,
  },
  {
    name: 'a GRU, backward',
    text: `
func @main(%x: tensor<4x2x5xf32>, %w: tensor<1x18x5xf32>, %r: tensor<1x18x6xf32>, %b: tensor<1x36xf32>) -> (%y: tensor<4x1x2x6xf32>, %h: tensor<1x2x6xf32>) {
  %0, %1 = nn.gru %x, %w, %r, %b {direction = "reverse", activations = ["Sigmoid", "Tanh"], alphas = [0, 0], betas = [0, 0], linear_before_reset = true} : tensor<4x1x2x6xf32>, tensor<1x2x6xf32> loc("gru")
  nn.return %0, %1
}
`,
    tolerance: 1e-5,
  },
  {
    name: 'an RNN',
    text: `
func @main(%x: tensor<4x2x5xf32>, %w: tensor<1x6x5xf32>, %r: tensor<1x6x6xf32>, %b: tensor<1x12xf32>) -> (%y: tensor<4x1x2x6xf32>, %h: tensor<1x2x6xf32>) {
  %0, %1 = nn.rnn %x, %w, %r, %b {activations = ["LeakyRelu"], alphas = [0.1], betas = [0]} : tensor<4x1x2x6xf32>, tensor<1x2x6xf32> loc("rnn")
  nn.return %0, %1
}
`,
    tolerance: 1e-5,
  },
];

/** Ops that the pass decompose says by others. */
const decomposed: Case[] = [
  {
    name: 'a matmul that broadcasts batch axes of both operands',
    text: `
func @main(%a: tensor<2x1x3x4xf32>, %b: tensor<1x2x4x5xf32>) -> (%y: tensor<2x2x3x5xf32>) {
  %0 = nn.matmul %a, %b : tensor<2x2x3x5xf32> loc("matmul")
  nn.return %0
}
`,
    tolerance: 1e-5,
  },
  one('tile', '2x3x2xf32', '4x3x6xf32', 'nn.tile %x {repeats = [2, 1, 3]}'),
  one('padding with the edge', '3x5xf32', '6x9xf32', 'nn.pad %x {pads = [1, 4, 2, 0], mode = "edge"}'),
  one('padding by mirroring', '3x5xf32', '6x9xf32', 'nn.pad %x {pads = [1, 4, 2, 0], mode = "reflect"}'),
  one('codes beside codes, columns by turns', '3x5x1xi16', '3x5x2xi16', 'nn.concat %x, %x {axis = 2}'),
  one('codes padded along rows', '3x5xi8', '4x8xi8', 'nn.pad %x {pads = [0, 2, 1, 1], value = -7}'),
  one('a triangle', '2x4x5xf32', '2x4x5xf32', 'nn.trilu %x {k = -1, upper = false}'),
  one('softmax over a middle axis', '3x7x5xf32', '3x7x5xf32', 'nn.softmax %x {axis = 1}', '', '', 1e-6),
  one('resize to the nearest', '1x2x3x4xf32', '1x2x7x8xf32', 'nn.resize_nearest %x {sizes = [1, 2, 7, 8]}'),
  one(
    'resize, linear',
    '1x2x5x4xf32',
    '1x2x7x9xf32',
    'nn.resize_linear %x {sizes = [1, 2, 7, 9], coordinates = "align_corners"}',
    '',
    '',
    1e-6,
  ),
  {
    name: 'a batch normalization with computed statistics',
    text: `
func @main(%x: tensor<2x3x4xf32>, %s: tensor<3xf32>, %b: tensor<3xf32>, %m: tensor<3xf32>) -> (%y: tensor<2x3x4xf32>) {
  %v = nn.abs %s : tensor<3xf32> loc("abs")
  %0 = nn.batch_norm %x, %s, %b, %m, %v : tensor<2x3x4xf32> loc("norm")
  nn.return %0
}
`,
    tolerance: 1e-5,
  },
];

export const serialCases: readonly Case[] = [...loops, ...computed, ...layers, ...decomposed];
