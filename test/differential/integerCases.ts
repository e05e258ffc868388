import type { Case } from './cases.ts';

/** A module of one integer op on %x, and what else it needs. */
function one(name: string, x: string, y: string, op: string, constants: readonly Constant[] = []): Case {
  const text = `
${constants.map(({ name, element, count, low, high }, i) => `resource @${name} : ${element}[${count}] = random(${i + 3}, ${low}, ${high})`).join('\n')}
func @main(%x: tensor<${x}>) -> (%y: tensor<${y}>) {
${constants.map(({ name, element, shape }) => `  %${name} = nn.constant {value = @${name}} : tensor<${shape}x${element}>`).join('\n')}
  %0 = ${op} : tensor<${y}> loc("op")
  nn.return %0
}
`;
  return { name, text };
}

interface Constant {
  readonly name: string;
  readonly element: string;
  readonly shape: string;
  readonly count: number;
  readonly low: number;
  readonly high: number;
}

const constant = (name: string, element: string, shape: string, low: number, high: number): Constant => {
  const count = shape.split('x').reduce((n, d) => n * Number(d), 1);
  return { name, element, shape, count, low, high };
};

const other = constant('c', 'i16', '5x7', -32768, 32767);
const wide = 'min = -32768, max = 32767';
const narrow = 'min = -128, max = 127';
const exponentials = [constant('h', 'u16', '256', 0, 65535), constant('l', 'u16', '256', 0, 32768)];

function normalized(name: string, x: string, attributes: string): Case {
  return one(name, x, x.replace(/i\d+$/, 'i16'), `int.normalize %x {${attributes}, ${wide}}`);
}

/** Weights whose codes need fewer than 8 bits are stored in so many. */
const narrowCases: readonly Case[] = [
  ...([1, 2, 3, 4, 7] as const).map((bits) =>
    one(`a matmul with weights of ${bits} bits`, '3x37xi8', '3x21xi32', 'int.matmul %x, %w {zero_point_a = 5}', [
      constant('w', 'i8', '37x21', -(2 ** (bits - 1)), 2 ** (bits - 1) - 1),
    ]),
  ),
  one(
    'a convolution with weights of 4 bits',
    '1x5x6x7xi8',
    '1x12x6x7xi32',
    'int.conv %x, %w {strides = [1, 1], pads = [1, 1, 1, 1], dilations = [1, 1], zero_point = -3}',
    [constant('w', 'i8', '12x5x3x3', -7, 7)],
  ),
  one(
    'a depthwise convolution with weights of 6 bits',
    '1x40x6x7xi8',
    '1x40x6x7xi32',
    'int.conv %x, %w {strides = [1, 1], pads = [1, 1, 1, 1], dilations = [1, 1], group = 40, zero_point = -3}',
    [constant('w', 'i8', '40x1x3x3', -31, 31)],
  ),
];

/** The codes between two layers are made for the second alone. */
const twoProducts: Case = {
  name: 'i8 matmul behind another',
  text: `
resource @a : i8[640] = random(1, -127, 127)
resource @b : i8[480] = random(2, -127, 127)
resource @m : i32[1] = random(3, 1073741824, 2147483647)
resource @s : i32[1] = random(4, 41, 41)
func @main(%x: tensor<13x32xi8>) -> (%y: tensor<13x24xi32>) {
  %a = nn.constant {value = @a} : tensor<32x20xi8>
  %b = nn.constant {value = @b} : tensor<20x24xi8>
  %m = nn.constant {value = @m} : tensor<1xi32>
  %s = nn.constant {value = @s} : tensor<1xi32>
  %0 = int.matmul %x, %a {zero_point_a = 11} : tensor<13x20xi32> loc("first")
  %1 = int.requantize %0, %m, %s {zero_point = -5, min = -128, max = 127} : tensor<13x20xi8> loc("first")
  %2 = int.matmul %1, %b {zero_point_a = -5} : tensor<13x24xi32> loc("second")
  nn.return %2
}
`,
};

/** Every code is in so many products that the baseline widens both operands before them. */
const manyProducts: Case = {
  name: 'i8 matmul, every code in many products',
  text: `
resource @w : i8[1633] = random(1, -127, 127)
resource @m : i32[1] = random(3, 1073741824, 2147483647)
resource @s : i32[1] = random(4, 41, 41)
func @main(%x: tensor<75x23xi8>) -> (%y: tensor<75x71xi8>) {
  %w = nn.constant {value = @w} : tensor<23x71xi8>
  %m = nn.constant {value = @m} : tensor<1xi32>
  %s = nn.constant {value = @s} : tensor<1xi32>
  %0 = int.matmul %x, %w {zero_point_a = 11} : tensor<75x71xi32> loc("product")
  %1 = int.requantize %0, %m, %s {zero_point = -5, min = -128, max = 127} : tensor<75x71xi8> loc("product")
  nn.return %1
}
`,
};

/** What a program carries on from run to run is a float between two, and exactly what it was. */
const carried: Case = {
  name: 'codes of 32 bits from and to floats',
  text: `
quant @q {scale = [${2 ** -20}], zero_point = [0]}
resource @w : i16[35] = random(2, -32767, 32767)
func @main(%x: tensor<2x5x7xf32>) -> (%y: tensor<2x5x7xf32>) {
  %w = nn.constant {value = @w} : tensor<5x7xi16>
  %0 = quant.qcast %x : tensor<2x5x7x!quant<i32:f32, @q>> loc("in")
  %1 = quant.scast %0 : tensor<2x5x7xi32> loc("codes")
  %2 = int.mul_shift %1, %w {shift = 15} : tensor<2x5x7xi32> loc("product")
  %3 = nn.slice %2 {starts = [0, 0, 0], steps = [1, 1, 1], sizes = [1, 5, 7]} : tensor<1x5x7xi32> loc("first")
  %4 = nn.slice %1 {starts = [1, 0, 0], steps = [1, 1, 1], sizes = [1, 5, 7]} : tensor<1x5x7xi32> loc("second")
  %5 = nn.concat %3, %4 {axis = 0} : tensor<2x5x7xi32> loc("both")
  %6 = quant.scast %5 : tensor<2x5x7x!quant<i32:f32, @q>> loc("out")
  %7 = quant.dcast %6 : tensor<2x5x7xf32> loc("out")
  nn.return %7
}
`,
};

/** Integer ops on codes of 16 bits, and those that work on rows. */
export const integerCases: readonly Case[] = [
  twoProducts,
  manyProducts,
  carried,
  ...narrowCases,
  one(
    'sum of 16-bit codes',
    '5x7xi16',
    '5x7xi16',
    `int.add %x, %c {multipliers = [1500000000, -900000000], shift = 30, zero_points = [0, 0], ${wide}}`,
    [other],
  ),
  one(
    'sum of 8- and 16-bit codes that saturates',
    '5x7xi8',
    '5x7xi8',
    `int.add %x, %c {multipliers = [2000000000, 2147483647], shift = 20, zero_points = [-3, 0], zero_point = 5, ${narrow}}`,
    [other],
  ),
  one(
    '16-bit codes at another scale',
    '5x7xi16',
    '5x7xi8',
    `int.add %x {multipliers = [8400000], shift = 30, zero_points = [0], zero_point = -7, ${narrow}}`,
  ),
  one(
    '16-bit codes, far enlarged',
    '5x7xi16',
    '5x7xi16',
    `int.add %x {multipliers = [2147483647], shift = 1, zero_points = [0], ${wide}}`,
  ),
  one(
    'whole numbers as codes',
    '5x7xi64',
    '5x7xi16',
    `int.add %x {multipliers = [1073709056], shift = 15, zero_points = [0], ${wide}}`,
  ),
  one('product of 16-bit codes', '5x7xi16', '5x7xi32', 'int.mul %x, %c {zero_point_a = 0, zero_point_b = 0}', [other]),
  one('product of 32- and 16-bit codes', '5x7xi32', '5x7xi32', 'int.mul_shift %x, %c {shift = 15}', [
    constant('c', 'i16', '5x7', -32767, 32767),
  ]),
  one('product of 32- and 8-bit codes', '5x7xi32', '5x7xi32', 'int.mul_shift %x, %c {zero_point_b = -9, shift = 15}', [
    constant('c', 'i8', '1x7', -128, 127),
  ]),
  one(
    'sum of 32-bit products',
    '5x7xi32',
    '5x7xi16',
    `int.add %x, %p {multipliers = [900000000, -1073741823], shift = 45, zero_points = [0, 0], ${wide}}`,
    [constant('p', 'i32', '5x7', -(2 ** 30), 2 ** 30)],
  ),
  one(
    'sum of 32- and 16-bit codes in 32 bits',
    '5x7xi32',
    '5x7xi32',
    `int.add %x, %c {multipliers = [268435456, 1073741823], shift = 30, zero_points = [0, 0], min = -2147483648, max = 2147483647}`,
    [other],
  ),
  one('table of 16-bit entries', '5x7xi8', '5x7xi16', 'int.table %x, %t', [constant('t', 'i16', '256', -32768, 32767)]),
  one('angles', '5x7xi16', '5x7xi16', 'int.angle %x, %a {zero_point = 3}', [
    constant('a', 'i32', '7', -(2 ** 31), 2 ** 31 - 1),
  ]),
  one('angles of whole numbers', '5x7xi64', '5x7xi16', 'int.angle %x, %a', [
    constant('a', 'i32', '5x1', -(2 ** 31), 2 ** 31 - 1),
  ]),
  one(
    'cubic pieces between knots',
    '5x37xi16',
    '5x37xi16',
    `int.interpolate %x, %k, %c {r = 6, zero_point = 0, ${wide}}`,
    [constant('k', 'i32', '1025', -8388608, 8388607), constant('c', 'i32', '2048', -8388608, 8388607)],
  ),
  one(
    'cubic pieces between knots, to 8 bits',
    '5x37xi16',
    '5x37xi8',
    `int.interpolate %x, %k, %c {r = 9, zero_point = -5, ${narrow}}`,
    [constant('k', 'i32', '129', -480000, 480000), constant('c', 'i32', '256', -480000, 480000)],
  ),
  one('a table of 16-bit codes', '5x37xi16', '5x37xi16', `int.interpolate %x, %k {r = 0, zero_point = 0, ${wide}}`, [
    constant('k', 'i32', '65537', -(2 ** 27), 2 ** 27),
  ]),
  one(
    'square roots',
    '5x37xi16',
    '5x37xi16',
    `int.sqrt %x {multiplier = 1500000000, shift = 12, zero_point = 0, ${wide}}`,
  ),
  one(
    'square roots, to 8 bits',
    '5x37xi16',
    '5x37xi8',
    `int.sqrt %x {multiplier = 1900000000, shift = 31, zero_point = -128, ${narrow}}`,
  ),
  one(
    'softmax of 8-bit scores',
    '3x19xi8',
    '3x19xi16',
    `int.softmax %x, %h {multiplier = 1073741824, shift = 30, ${wide}}`,
    exponentials.slice(0, 1),
  ),
  one(
    'softmax of 16-bit scores',
    '2x3x40xi16',
    '2x3x40xi8',
    `int.softmax %x, %h, %l {multiplier = 1500000000, shift = 37, zero_point = -128, ${narrow}}`,
    exponentials,
  ),
  normalized(
    'layer norm of 8-bit codes',
    '3x17xi8',
    'length = 17, epsilon = 5, k = 38, multiplier = 1900000000, shift = 46, zero_point = 3',
  ),
  normalized(
    'layer norm of 16-bit codes',
    '2x24xi16',
    'length = 24, epsilon = 12345, k = 46, multiplier = 1300000000, shift = 47',
  ),
  normalized(
    'RMS norm of 16-bit codes, over two axes',
    '3x4x6xi16',
    'length = 24, center = false, t = 6, epsilon = 77, k = 46, multiplier = 1300000000, shift = 47',
  ),
  normalized(
    'RMS norm of 8-bit codes',
    '3x12xi8',
    'length = 12, center = false, input_zero_point = -11, epsilon = 0, k = 42, multiplier = 1900000000, shift = 47',
  ),
];
