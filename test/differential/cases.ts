import { attentionCases } from './attentionCases.ts';
import { controlCases } from './controlCases.ts';
import { integerCases } from './integerCases.ts';
import { roundingCases } from './roundingCases.ts';
import { samplingCases } from './samplingCases.ts';
import { serialCases } from './serialCases.ts';
import { storedCases } from './storedCases.ts';

/** A small module, as text, whose results must be the same however it is run. */
export interface Case {
  readonly name: string;
  readonly text: string;
  /** Largest difference of float results, relative to the largest magnitude; integers must be equal. */
  readonly tolerance?: number;
}

const q = (name: string, scale: number, zero: number) => `quant @${name} {scale = [${scale}], zero_point = [${zero}]}`;

function i8Conv(
  name: string,
  spec: {
    shape: number[];
    outputs: number;
    kernel: number[];
    strides?: number[];
    pads?: number[];
    dilations?: number[];
    group?: number;
  },
): Case {
  const { shape, outputs, kernel, group = 1 } = spec;
  const [n, c] = shape as [number, number];
  const spatial = kernel.length;
  const strides = spec.strides ?? kernel.map(() => 1);
  const dilations = spec.dilations ?? kernel.map(() => 1);
  const pads = spec.pads ?? [...kernel, ...kernel].map(() => 0);
  const out = kernel.map((k, i) => {
    const padded = (shape[i + 2] as number) + (pads[i] as number) + (pads[i + spatial] as number);
    return Math.floor((padded - ((k - 1) * (dilations[i] as number) + 1)) / (strides[i] as number)) + 1;
  });
  const x = [n, c, ...shape.slice(2)].join('x');
  const y = [n, outputs, ...out].join('x');
  const w = [outputs, c / group, ...kernel];
  const ones = kernel.map(() => 1).join('x');
  const channel = `${outputs}x${ones}`;
  const count = w.reduce((a, b) => a * b, 1);
  return {
    name,
    text: `
${q('qx', 0.05, -7)}
${q('qy', 0.1, 3)}
resource @w : i8[${count}] = random(1, -127, 127)
resource @b : i32[${outputs}] = random(2, -2000, 2000)
resource @m : i32[${outputs}] = random(3, 1073741824, 2147483647)
resource @s : i32[${outputs}] = random(4, 38, 44)
func @main(%x: tensor<${x}x!quant<i8:f32, @qx>>) -> (%y: tensor<${y}x!quant<i8:f32, @qy>>) {
  %w = nn.constant {value = @w} : tensor<${w.join('x')}xi8>
  %b = nn.constant {value = @b} : tensor<${outputs}xi32>
  %m = nn.constant {value = @m} : tensor<${channel}xi32>
  %s = nn.constant {value = @s} : tensor<${channel}xi32>
  %0 = int.conv %x, %w, %b {strides = [${strides}], pads = [${pads}], dilations = [${dilations}], group = ${group}, zero_point = -7} : tensor<${y}xi32> loc("${name}")
  %1 = int.requantize %0, %m, %s {zero_point = 3, min = -128, max = 127} : tensor<${y}x!quant<i8:f32, @qy>> loc("${name}")
  nn.return %1
}
`,
  };
}

function f32Conv(name: string, base: ReturnType<typeof i8Conv>): Case {
  const text = base.text
    .replaceAll(/!quant<i8:f32, @q[xy]>/g, 'f32')
    .replace(/quant @qx.*\n/, '')
    .replace(/quant @qy.*\n/, '')
    .replace(/resource @w : i8(.*) = .*/, 'resource @w : f32$1 = random(1, -1, 1)')
    .replace(/resource @b : i32(.*) = .*/, 'resource @b : f32$1 = random(2, -1, 1)')
    .replace(/resource @[ms].*\n/g, '')
    .replace(/ {2}%[ms] = .*\n/g, '')
    .replace(/(%[wb] = .*)xi(8|32)>/g, '$1xf32>')
    .replace('int.conv', 'nn.conv')
    .replace(', zero_point = -7', ', clamp = [0, 6]')
    .replace(/ {2}%1 = .*\n/, '')
    .replace(/xi32> loc/, 'xf32> loc')
    .replace('nn.return %1', 'nn.return %0');
  return { name, text, tolerance: 1e-5 };
}

/** The same on activations of 16 bits. */
function i16Conv(name: string, base: ReturnType<typeof i8Conv>): Case {
  const text = base.text
    .replaceAll(/!quant<i8:f32, @q([xy])>/g, '!quant<i16:f32, @q$1>')
    .replaceAll(/zero_point = \[-?\d+\]/g, 'zero_point = [0]')
    .replace('zero_point = -7', 'zero_point = 0')
    .replace('zero_point = 3, min = -128, max = 127', 'zero_point = 0, min = -32768, max = 32767')
    .replace('random(4, 38, 44)', 'random(4, 40, 40)');
  return { name, text };
}

const geometries: Record<string, Parameters<typeof i8Conv>[1]> = {
  pointwise: { shape: [1, 16, 5, 7], outputs: 24, kernel: [1, 1] },
  'pointwise, odd channels': { shape: [2, 7, 3, 3], outputs: 10, kernel: [1, 1] },
  '3x3, padded': { shape: [1, 8, 9, 9], outputs: 16, kernel: [3, 3], pads: [1, 1, 1, 1] },
  '3x3, stride 2, first layer': {
    shape: [1, 3, 17, 17],
    outputs: 8,
    kernel: [3, 3],
    strides: [2, 2],
    pads: [0, 0, 1, 1],
  },
  '5x3, dilated': { shape: [1, 4, 12, 13], outputs: 5, kernel: [5, 3], dilations: [2, 3] },
  '1x1, padded': { shape: [1, 5, 3, 4], outputs: 8, kernel: [1, 1], pads: [1, 0, 0, 2] },
  '1x1, stride 2': { shape: [1, 12, 8, 8], outputs: 12, kernel: [1, 1], strides: [2, 2] },
  'two groups': { shape: [1, 8, 6, 6], outputs: 12, kernel: [3, 3], pads: [2, 0, 1, 1], dilations: [2, 1], group: 2 },
  depthwise: { shape: [1, 24, 8, 8], outputs: 24, kernel: [3, 3], pads: [1, 1, 1, 1], group: 24 },
  'depthwise, stride 2': {
    shape: [1, 8, 9, 9],
    outputs: 8,
    kernel: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    group: 8,
  },
  'depthwise, 5x5, odd channels': {
    shape: [1, 19, 9, 9],
    outputs: 19,
    kernel: [5, 5],
    pads: [2, 0, 3, 1],
    dilations: [1, 2],
    group: 19,
  },
  '3x3, many channels': { shape: [2, 32, 5, 7], outputs: 32, kernel: [3, 3], pads: [1, 1, 1, 1] },
  'two groups of many channels': { shape: [1, 64, 6, 6], outputs: 32, kernel: [1, 1], group: 2 },
  'one dimension': { shape: [1, 6, 20], outputs: 9, kernel: [5], pads: [2, 2], strides: [2] },
};

const convolutions = Object.entries(geometries).flatMap(([name, spec]) => [
  i8Conv(`i8 convolution, ${name}`, spec),
  i16Conv(`i16 convolution, ${name}`, i8Conv(`i16 convolution, ${name}`, spec)),
  f32Conv(`f32 convolution, ${name}`, i8Conv(`f32 convolution, ${name}`, spec)),
]);

function matmuls(rows: number, depth: number, columns: number): Case[] {
  const size = `${rows}x${depth}x${columns}`;
  return [
    {
      name: `i8 matmul ${size}, dequantized`,
      text: `
${q('qx', 0.05, 12)}
quant @qa {scale = [${Array.from({ length: columns }, (_, i) => Math.fround(0.001 + i * 0.0001)).join(', ')}]}
resource @w : i8[${depth * columns}] = random(1, -127, 127)
resource @b : i32[${columns}] = random(2, -20000, 20000)
func @main(%x: tensor<${rows}x${depth}x!quant<i8:f32, @qx>>) -> (%y: tensor<${rows}x${columns}xf32>) {
  %w = nn.constant {value = @w} : tensor<${depth}x${columns}xi8>
  %b = nn.constant {value = @b} : tensor<${columns}xi32>
  %0 = int.matmul %x, %w, %b {zero_point_a = 12} : tensor<${rows}x${columns}x!quant<i32:f32, axis=1, @qa>> loc("fc")
  %1 = quant.dcast %0 : tensor<${rows}x${columns}xf32> loc("fc")
  nn.return %1
}
`,
      tolerance: 0,
    },
    {
      name: `i16 matmul ${size}`,
      text: `
${q('qx', 0.05, 0)}
resource @w : i8[${depth * columns}] = random(1, -127, 127)
resource @b : i32[${columns}] = random(2, -20000, 20000)
func @main(%x: tensor<${rows}x${depth}x!quant<i16:f32, @qx>>) -> (%y: tensor<${rows}x${columns}xi32>) {
  %w = nn.constant {value = @w} : tensor<${depth}x${columns}xi8>
  %b = nn.constant {value = @b} : tensor<${columns}xi32>
  %0 = int.matmul %x, %w, %b : tensor<${rows}x${columns}xi32> loc("fc")
  nn.return %0
}
`,
    },
    {
      name: `f32 matmul ${size} with a residual`,
      text: `
resource @w : f32[${depth * columns}] = random(1, -1, 1)
resource @b : f32[${columns}] = random(2, -1, 1)
func @main(%x: tensor<${rows}x${depth}xf32>, %r: tensor<${rows}x${columns}xf32>) -> (%y: tensor<${rows}x${columns}xf32>) {
  %w = nn.constant {value = @w} : tensor<${depth}x${columns}xf32>
  %b = nn.constant {value = @b} : tensor<${columns}xf32>
  %0 = nn.matmul %x, %w, %b : tensor<${rows}x${columns}xf32> loc("fc")
  %1 = nn.add %0, %r {clamp = [0, inf]} : tensor<${rows}x${columns}xf32> loc("sum")
  nn.return %1
}
`,
      tolerance: 1e-5,
    },
  ];
}

const others: Case[] = [
  {
    name: 'border to codes and back, odd length',
    text: `
${q('qx', 0.0173, -5)}
func @main(%x: tensor<1x37xf32>) -> (%y: tensor<1x37xf32>) {
  %0 = quant.qcast %x : tensor<1x37x!quant<i8:f32, @qx>> loc("in")
  %1 = quant.dcast %0 : tensor<1x37xf32> loc("out")
  nn.return %1
}
`,
    tolerance: 0,
  },
  {
    name: 'i8 residual sum',
    text: `
${q('qa', 0.05, -7)}
${q('qb', 0.03, 9)}
${q('qy', 0.06, 3)}
func @main(%a: tensor<1x19x5x5x!quant<i8:f32, @qa>>, %b: tensor<1x19x5x5x!quant<i8:f32, @qb>>) -> (%y: tensor<1x19x5x5x!quant<i8:f32, @qy>>) {
  %0 = int.add %a, %b {multipliers = [873813, 524288], shift = 20, zero_points = [-7, 9], zero_point = 3, min = -20, max = 127} : tensor<1x19x5x5x!quant<i8:f32, @qy>> loc("sum")
  nn.return %0
}
`,
  },
  {
    name: 'transposes, reshape and a mean',
    text: `
func @main(%x: tensor<1x6x5x3xf32>) -> (%y: tensor<1x3xf32>, %z: tensor<90xf32>) {
  %0 = nn.transpose %x {perm = [0, 3, 1, 2]} : tensor<1x3x6x5xf32> loc("t")
  %1 = nn.reduce_mean %0 {axes = [2, 3], keepdims = false} : tensor<1x3xf32> loc("mean")
  %2 = nn.reshape %0 {shape = [90]} : tensor<90xf32> loc("flat")
  nn.return %1, %2
}
`,
    tolerance: 1e-6,
  },
  {
    name: 'i8 sum over pixels',
    text: `
${q('qx', 0.05, -7)}
${q('qy', 0.02, 4)}
resource @m : i32[1] = random(3, 1073741824, 2147483647)
resource @s : i32[1] = random(4, 36, 36)
func @main(%x: tensor<1x20x7x7x!quant<i8:f32, @qx>>) -> (%y: tensor<1x20x1x1x!quant<i8:f32, @qy>>) {
  %m = nn.constant {value = @m} : tensor<1xi32>
  %s = nn.constant {value = @s} : tensor<1xi32>
  %0 = int.reduce_sum %x {axes = [2, 3], keepdims = true, zero_point = -7} : tensor<1x20x1x1xi32> loc("mean")
  %1 = int.requantize %0, %m, %s {zero_point = 4, min = -128, max = 127} : tensor<1x20x1x1x!quant<i8:f32, @qy>> loc("mean")
  nn.return %1
}
`,
  },
  {
    name: 'i8 max pool, padded',
    text: `
${q('qx', 0.05, -7)}
func @main(%x: tensor<1x9x7x7x!quant<i8:f32, @qx>>) -> (%y: tensor<1x9x4x4x!quant<i8:f32, @qx>>) {
  %0 = nn.max_pool %x {kernel = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1], dilations = [1, 1]} : tensor<1x9x4x4x!quant<i8:f32, @qx>> loc("pool")
  nn.return %0
}
`,
  },
  {
    name: 'plain codes: padding with the zero point, sums, maxima',
    text: `
resource @w : i8[72] = random(1)
func @main(%x: tensor<1x2x9x9xi8>) -> (%y: tensor<1x4x9x9xi32>, %s: tensor<1x2x9x9xi32>, %m: tensor<1x2x9x9xi8>) {
  %w = nn.constant {value = @w} : tensor<4x2x3x3xi8>
  %0 = int.conv %x, %w {strides = [1, 1], pads = [1, 1, 1, 1], dilations = [1, 1], zero_point = -3} : tensor<1x4x9x9xi32> loc("conv")
  %1 = int.pool_sum %x {kernel = [3, 3], strides = [1, 1], pads = [1, 1, 1, 1], zero_point = -3} : tensor<1x2x9x9xi32> loc("sum")
  %2 = nn.max_pool %x {kernel = [3, 3], strides = [1, 1], pads = [1, 1, 1, 1], dilations = [1, 1]} : tensor<1x2x9x9xi8> loc("max")
  nn.return %0, %1, %2
}
`,
  },
  ...(['i8', 'u8'] as const).map((element) => ({
    name: `a table of ${element} codes`,
    text: `
resource @t : ${element}[256] = random(1)
func @main(%x: tensor<3x37x${element}>) -> (%y: tensor<3x37x${element}>) {
  %t = nn.constant {value = @t} : tensor<256x${element}>
  %0 = int.table %x, %t : tensor<3x37x${element}> loc("table")
  nn.return %0
}
`,
  })),
  {
    name: 'f32 average pool, padding not counted',
    text: `
func @main(%x: tensor<1x6x7x7xf32>) -> (%y: tensor<1x6x4x4xf32>) {
  %0 = nn.avg_pool %x {kernel = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]} : tensor<1x6x4x4xf32> loc("pool")
  nn.return %0
}
`,
    tolerance: 1e-6,
  },
  {
    name: 'codes in the place of the floats that they are of',
    text: `
${q('qx', 0.02, -7)}
func @main(%x: tensor<20x16xf32>) -> (%y: tensor<80x16x!quant<i8:f32, @qx>>) {
  %0 = nn.concat %x, %x {axis = 0} : tensor<40x16xf32> loc("twice")
  %1 = quant.qcast %0 : tensor<40x16x!quant<i8:f32, @qx>> loc("codes")
  %2 = nn.concat %1, %1 {axis = 0} : tensor<80x16x!quant<i8:f32, @qx>> loc("four times")
  nn.return %2
}
`,
  },
  {
    name: 'softmax of a row',
    text: `
func @main(%x: tensor<3x37xf32>) -> (%y: tensor<3x37xf32>) {
  %0 = nn.softmax %x {axis = 1} : tensor<3x37xf32> loc("softmax")
  nn.return %0
}
`,
    tolerance: 1e-6,
  },
  {
    name: 'floats below zero and beyond 8 bits become bytes, whose higher bits are cut off',
    text: `resource @k : f32[1] = random(5, 900, 901)
func @main(%x: tensor<1x37xf32>) -> (%u: tensor<1x37xu8>, %i: tensor<1x37xi8>, %w: tensor<1x37xu32>) {
  %k = nn.constant {value = @k} : tensor<1xf32>
  %0 = nn.mul %x, %k : tensor<1x37xf32> loc("scale")
  %1 = nn.cast %0 {to = "u8"} : tensor<1x37xu8> loc("u8")
  %2 = nn.cast %0 {to = "i8"} : tensor<1x37xi8> loc("i8")
  %3 = nn.cast %0 {to = "u32"} : tensor<1x37xu32> loc("u32")
  nn.return %1, %2, %3
}
`,
  },
  {
    name: 'floats of 16 bits and back',
    text: `func @main(%x: tensor<1x37xf32>) -> (%h: tensor<1x37xf16>, %b: tensor<1x37xbf16>, %u: tensor<1x37xf32>, %v: tensor<1x37xf32>) {
  %0 = nn.cast %x {to = "f16"} : tensor<1x37xf16> loc("half")
  %1 = nn.cast %x {to = "bf16"} : tensor<1x37xbf16> loc("brain")
  %2 = nn.cast %0 {to = "f32"} : tensor<1x37xf32> loc("from half")
  %3 = nn.cast %1 {to = "f32"} : tensor<1x37xf32> loc("from brain")
  nn.return %0, %1, %2, %3
}
`,
  },
  {
    name: 'concat, slice and a broadcast product',
    text: `
func @main(%x: tensor<1x4x3x3xf32>, %y: tensor<1x2x3x3xf32>, %g: tensor<1x6x1x1xf32>) -> (%z: tensor<1x3x3x3xf32>) {
  %0 = nn.concat %x, %y {axis = 1} : tensor<1x6x3x3xf32> loc("concat")
  %1 = nn.mul %0, %g : tensor<1x6x3x3xf32> loc("gate")
  %2 = nn.slice %1 {starts = [0, 1, 0, 0], steps = [1, 2, 1, 1], sizes = [1, 3, 3, 3]} : tensor<1x3x3x3xf32> loc("slice")
  nn.return %2
}
`,
    tolerance: 1e-6,
  },
  {
    name: 'a product of two computed matrices, batched',
    text: `
func @main(%a: tensor<2x3x5x7xf32>, %b: tensor<2x3x7x11xf32>) -> (%y: tensor<2x3x5x11xf32>) {
  %0 = nn.matmul %a, %b : tensor<2x3x5x11xf32> loc("qk")
  nn.return %0
}
`,
    tolerance: 1e-5,
  },
  {
    name: 'a product of computed matrices, one on the right for all',
    text: `
func @main(%a: tensor<4x5x7xf32>, %b: tensor<7x9xf32>) -> (%y: tensor<4x5x9xf32>) {
  %0 = nn.matmul %a, %b : tensor<4x5x9xf32> loc("shared")
  nn.return %0
}
`,
    tolerance: 1e-5,
  },
  {
    name: 'layer norm with scale and shift',
    text: `
resource @g : f32[20] = random(1, -1, 1)
resource @b : f32[20] = random(2, -1, 1)
func @main(%x: tensor<3x20xf32>) -> (%y: tensor<3x20xf32>) {
  %g = nn.constant {value = @g} : tensor<20xf32>
  %b = nn.constant {value = @b} : tensor<20xf32>
  %0 = nn.normalize %x : tensor<3x20xf32> loc("norm")
  %1 = nn.mul %0, %g : tensor<3x20xf32> loc("norm")
  %2 = nn.add %1, %b : tensor<3x20xf32> loc("norm")
  nn.return %2
}
`,
    tolerance: 1e-5,
  },
  ...[
    { block: 2, size: 6 },
    { block: 32, size: 64 },
    { block: 24, size: 48 },
    { block: 12, size: 12 },
  ].map(({ block, size }) => ({
    name: `a Hadamard transform of blocks of ${block} in ${size}`,
    text: `
func @main(%x: tensor<3x${size}xf32>) -> (%y: tensor<3x${size}xf32>) {
  %0 = nn.hadamard %x {block = ${block}, scale = 0.25} : tensor<3x${size}xf32> loc("hadamard")
  nn.return %0
}
`,
    tolerance: 1e-6,
  })),
  {
    name: 'gather of rows and of columns by computed and constant indices',
    text: `
resource @i : i64[3] = random(5, -4, 3)
func @main(%x: tensor<4x6xf32>) -> (%y: tensor<3x6xf32>, %z: tensor<4x3xf32>) {
  %i = nn.constant {value = @i} : tensor<3xi64>
  %0 = nn.gather %x, %i : tensor<3x6xf32> loc("rows")
  %1 = nn.gather %x, %i {axis = 1} : tensor<4x3xf32> loc("columns")
  nn.return %0, %1
}
`,
    tolerance: 0,
  },
  {
    name: 'a sum along rows, with an offset for each row',
    text: `
resource @b : f32[11] = random(2, -1, 1)
func @main(%x: tensor<2x11x6xf32>) -> (%y: tensor<2x11xf32>) {
  %b = nn.constant {value = @b} : tensor<11xf32>
  %0 = nn.reduce_sum %x {axes = [2], keepdims = false} : tensor<2x11xf32> loc("sum")
  %1 = nn.add %0, %b : tensor<2x11xf32> loc("sum")
  nn.return %1
}
`,
    tolerance: 1e-5,
  },
  {
    name: 'a mask that is compared, combined and selected by',
    text: `
func @main(%x: tensor<5x9xf32>, %y: tensor<5x1xf32>) -> (%m: tensor<5x9xi1>, %z: tensor<5x9xf32>) {
  %0 = nn.less %x, %y : tensor<5x9xi1> loc("less")
  %1 = nn.where %0, %x, %y : tensor<5x9xf32> loc("where")
  nn.return %0, %1
}
`,
    tolerance: 0,
  },
  {
    name: 'an input that is returned',
    text: `
func @main(%x: tensor<5xf32>) -> (%y: tensor<5xf32>, %z: tensor<5xf32>) {
  nn.return %x, %x
}
`,
    tolerance: 0,
  },
];

/** Every differential case. */
export const cases: readonly Case[] = [
  ...convolutions,
  ...matmuls(1, 64, 10),
  ...matmuls(37, 64, 48),
  ...matmuls(7, 33, 21),
  ...matmuls(64, 40, 16),
  ...others,
  ...serialCases,
  ...storedCases,
  ...attentionCases,
  ...integerCases,
  ...roundingCases,
  ...samplingCases,
  ...controlCases,
];
