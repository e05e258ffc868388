import type { Case } from './cases.ts';

/** Weights [inputs, outputs] of a matrix product, as codes in groups. */
interface Weights {
  readonly storage: string;
  readonly group: number;
  readonly zero?: (i: number) => number;
  readonly levels?: readonly number[];
  /** Default: another for every group and output. */
  readonly scale?: number;
  /** Whether scales are whole numbers, so that sums with them are exact too. */
  readonly whole?: boolean;
  /** Bits of the codes of every 16 outputs. */
  readonly mixed?: readonly number[];
}

interface Sizes {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
}

const e2m1 = [0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6];

/** 64 numbers that are no multiples of one another. */
const curve = Array.from({ length: 64 }, (_, i) => ((i - 31.5) * Math.abs(i - 31.5)) / 1024);

/** The declarations of weights: parameters, codes, and the type. */
function declared({ storage, group, zero, levels, scale, whole, mixed }: Weights, { inputs, outputs }: Sizes) {
  const bits = mixed ? Math.min(...mixed) : Number(storage.slice(1));
  const lists = `${levels ? `, levels = [${levels}]` : ''}${mixed ? `, widths = [${mixed}]` : ''}`;
  const count = Math.ceil(inputs / group) * outputs;
  const list = (of: (i: number) => number) => `[${Array.from({ length: count }, (_, i) => of(i))}]`;
  const scales = list((i) => scale ?? (5 + ((i * 7) % 11)) / (whole ? 1 : 128));
  const zeros = zero ? `, zero_point = ${list(zero)}` : '';
  const [low, high] = storage.startsWith('u') ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  return {
    head: `
quant @qw {scale = ${scales}${zeros}${lists}}
resource @w : ${storage}[${inputs * outputs}] = random(1, ${low}, ${high})
resource @b : f32[${outputs}] = random(2)`,
    type: `tensor<${inputs}x${outputs}x!quant<${storage}:f32${levels ? ', codebook' : ''}, axis=0, block=${group}, @qw>>`,
  };
}

const named = ({ storage, mixed }: Weights) => (mixed ? `widths of ${mixed}` : storage);

function floatCase(weights: Weights, sizes: Sizes): Case {
  const { rows, inputs, outputs } = sizes;
  const { head, type } = declared(weights, sizes);
  return {
    name: `floats by ${named(weights)}${weights.levels ? ' levels' : ''}${weights.zero ? ', zero points' : ''}, groups of ${weights.group}, ${rows}·${inputs}·${outputs}`,
    tolerance: 1e-5,
    text: `${head}
func @main(%x: tensor<${rows}x${inputs}xf32>) -> (%y: tensor<${rows}x${outputs}xf32>) {
  %w = nn.constant {value = @w} : ${type}
  %b = nn.constant {value = @b} : tensor<${outputs}xf32>
  %0 = nn.matmul %x, %w, %b {clamp = [-3, inf]} : tensor<${rows}x${outputs}xf32> loc("m")
  nn.return %0
}
`,
  };
}

/** With scales of 1 the result is the integer sums themselves, which must be equal. */
function codesCase(weights: Weights, sizes: Sizes, exact: boolean, symmetric = false): Case {
  const { rows, inputs, outputs } = sizes;
  const { head, type } = declared(exact && !weights.whole ? { ...weights, scale: 1 } : weights, sizes);
  const { group } = weights;
  const groups = Math.ceil(inputs / group);
  const padded = Math.ceil(group / 32) * 32 * groups;
  return {
    name: `codes by ${named(weights)}${weights.levels ? ' levels' : ''}${weights.zero ? ', zero points' : ''}, groups of ${group}${weights.whole ? ', whole scales' : ''}, ${rows}·${inputs}·${outputs}${exact ? ', sums' : ''}`,
    tolerance: exact ? 0 : 1e-5,
    text: `${head}
resource @one : f32[${rows}] = random(1, 1, 1)
func @main(%x: tensor<${rows}x${inputs}xf32>) -> (%y: tensor<${rows}x${outputs}xf32>, %c: tensor<${rows}x${padded}xi8>) {
  %w = nn.constant {value = @w} : ${type}
  %one = nn.constant {value = @one} : tensor<${rows}x1xf32>
  %a, %s, %z, %sums = quant.dynamic_qcast %x {group = ${group}, align = 32, symmetric = ${symmetric || exact}} : tensor<${rows}x${padded}xi8>, tensor<${rows}x1xf32>, tensor<${rows}x1xi32>, tensor<${rows}x${groups}xi32> loc("q")
  %0 = int.group_matmul %a, ${exact ? '%one' : '%s'}, %z, %sums, %w, _ : tensor<${rows}x${outputs}xf32> loc("m")
  nn.return %0, %a
}
`,
  };
}

/** Scales are whole numbers, and sums stay integers. */
function stepCase(weights: Weights, sizes: Sizes): Case {
  const { rows, inputs, outputs } = sizes;
  const { head, type } = declared({ ...weights, whole: true }, sizes);
  const { group } = weights;
  const groups = Math.ceil(inputs / group);
  const padded = Math.ceil(group / 16) * 16 * groups;
  return {
    name: `codes by ${weights.storage}, groups of ${group}, in integers, ${rows}·${inputs}·${outputs}`,
    tolerance: 0,
    text: `${head}
resource @start : i32[${outputs}] = random(4, -2147483648, 2147483647)
func @main(%x: tensor<${rows}x${inputs}xi8>) -> (%y: tensor<${rows}x${outputs}xi32>, %c: tensor<${rows}x${padded}xi8>) {
  %w = nn.constant {value = @w} : ${type}
  %start = nn.constant {value = @start} : tensor<${outputs}xi32>
  %a, %s = int.group_codes %x {group = ${group}, align = 16} : tensor<${rows}x${padded}xi8>, tensor<${rows}x${groups}xi32> loc("q")
  %0 = int.step_matmul %a, %s, %w, %start : tensor<${rows}x${outputs}xi32> loc("m")
  nn.return %0, %a
}
`,
  };
}

const sizes: Sizes = { rows: 1, inputs: 96, outputs: 40 };
const ragged: Sizes = { rows: 5, inputs: 83, outputs: 21 };
/** So few rows that sums may be looked up. */
const pair: Sizes = { rows: 2, inputs: 83, outputs: 41 };
/** Rows that share panels of unpacked codes, and outputs behind the last whole panel. */
const many: Sizes = { rows: 13, inputs: 83, outputs: 44 };
const widths = [2, 3, 4, 5, 6, 7, 8];
/** Panels of one width lie between others, and the last one is no whole panel. */
const mixed = [4, 2, 8, 2, 4, 8];
const spans = { inputs: 83, outputs: 85 };

export const storedCases: readonly Case[] = [
  ...widths.map((bits) => floatCase({ storage: `i${bits}`, group: 32 }, sizes)),
  floatCase({ storage: 'i4', group: 16 }, ragged),
  floatCase({ storage: 'i3', group: 83 }, ragged),
  floatCase({ storage: 'u4', group: 32, zero: (i) => 5 + (i % 6) }, ragged),
  floatCase({ storage: 'u8', group: 32, zero: (i) => 100 + (i % 60) }, ragged),
  floatCase({ storage: 'u4', group: 16, levels: e2m1 }, ragged),
  floatCase({ storage: 'u6', group: 32, levels: curve }, ragged),
  ...widths.map((bits) => codesCase({ storage: `i${bits}`, group: 32 }, sizes, true)),
  ...widths.map((bits) => codesCase({ storage: `i${bits}`, group: 32 }, ragged, true)),
  codesCase({ storage: 'i4', group: 16 }, ragged, true),
  codesCase({ storage: 'u4', group: 32, zero: (i) => 5 + (i % 6) }, ragged, true),
  codesCase({ storage: 'u4', group: 16, levels: e2m1 }, ragged, false, true),
  codesCase({ storage: 'i4', group: 32 }, ragged, false),
  codesCase({ storage: 'i8', group: 83 }, ragged, false),
  codesCase({ storage: 'i2', group: 32 }, pair, true),
  codesCase({ storage: 'i3', group: 16 }, pair, true),
  codesCase({ storage: 'u4', group: 32, zero: (i) => 5 + (i % 6) }, pair, true),
  codesCase({ storage: 'i4', group: 32, whole: true }, sizes, true),
  codesCase({ storage: 'i2', group: 32, whole: true }, pair, true),
  codesCase({ storage: 'u4', group: 16, whole: true, zero: (i) => 5 + (i % 6) }, many, true),
  codesCase({ storage: 'i4', group: 32 }, many, true),
  codesCase({ storage: 'i3', group: 16 }, many, true),
  codesCase({ storage: 'i8', group: 32 }, many, true),
  codesCase({ storage: 'u4', group: 32, zero: (i) => 5 + (i % 6) }, many, true),
  codesCase({ storage: 'u4', group: 16, levels: e2m1 }, many, false, true),
  ...[1, 5, 13].flatMap((rows) => [
    floatCase({ storage: 'i8', group: 32, mixed }, { ...spans, rows }),
    codesCase({ storage: 'i8', group: 32, mixed }, { ...spans, rows }, true),
  ]),
  codesCase({ storage: 'u5', group: 16, mixed: [3, 5, 3, 3, 5, 5], zero: (i) => i % 5 }, { ...spans, rows: 2 }, true),
  stepCase({ storage: 'i4', group: 32 }, sizes),
  stepCase({ storage: 'i4', group: 24 }, many),
  stepCase({ storage: 'i2', group: 16 }, ragged),
  stepCase({ storage: 'i8', group: 32 }, pair),
];
