import type { Case } from './cases.ts';

// Kernels and rewrites that sample, count and sum at places that data name.

/** A resource of given numbers. */
function resource(name: string, dtype: 'f32' | 'i64', values: readonly number[]): string {
  const data = dtype === 'i64' ? BigInt64Array.from(values, BigInt) : Float32Array.from(values);
  const bytes = Buffer.from(data.buffer).toString('base64');
  return `resource @${name} : ${dtype}[${values.length}] = base64 "${bytes}"`;
}

const grid = (name: string, x: string, places: string, y: string, attributes: string): Case => ({
  name: `grid_sample, ${name}`,
  text: `
func @main(%x: tensor<${x}xf32>, %grid: tensor<${places}xf32>) -> (%y: tensor<${y}xf32>) {
  %0 = nn.grid_sample %x, %grid {${attributes}} : tensor<${y}xf32> loc("sample")
  nn.return %0
}
`,
  tolerance: 1e-5,
});

const roiAlign = (mode: string, samples: number, halfPixel: boolean): Case => ({
  name: `roi_align, ${mode} of ${samples || 'as many samples as a cell spans'}`,
  text: `
${resource('rois', 'f32', [-1, -2, 7, 5, 3, 3, 12, 14, 4, 1, 3, 0])}
${resource('images', 'i64', [0, 1, 0])}
func @main(%x: tensor<2x3x9x8xf32>) -> (%y: tensor<3x3x2x3xf32>) {
  %rois = nn.constant {value = @rois} : tensor<3x4xf32>
  %images = nn.constant {value = @images} : tensor<3xi64>
  %0 = nn.roi_align %x, %rois, %images {height = 2, width = 3, samples = ${samples}, scale = 0.5, half_pixel = ${halfPixel}, mode = "${mode}"} : tensor<3x3x2x3xf32> loc("align")
  nn.return %0
}
`,
  tolerance: 1e-5,
});

const attention = (rule: string, gates: string, operands: string): Case => ({
  name: `linear_attention, ${rule}`,
  text: `
func @main(%q: tensor<2x3x20xf32>, %k: tensor<2x3x10xf32>, %v: tensor<2x3x14xf32>, %past: tensor<2x2x5x7xf32>${gates}) -> (%y: tensor<2x3x28xf32>, %state: tensor<2x2x5x7xf32>) {
  %0, %1 = nn.linear_attention %q, %k, %v, %past${operands} {heads = 4, kv_heads = 2, scale = 0.25, rule = "${rule}"} : tensor<2x3x28xf32>, tensor<2x2x5x7xf32> loc("attention")
  nn.return %0, %1
}
`,
  tolerance: 1e-5,
});

const resample = (name: string, attributes: string, region = '', type = 'f32'): Case => ({
  name: `resample, ${name}`,
  text: `
${resource('roi', 'f32', [0, 0, 0.1, -0.2, 1, 1, 0.8, 0.9])}
func @main(%x: tensor<1x2x5x6x${type}>) -> (%y: tensor<1x2x7x4x${type}>) {
  %roi = nn.constant {value = @roi} : tensor<8xf32>
  %0 = nn.resample %x${region} {sizes = [1, 2, 7, 4], ${attributes}} : tensor<1x2x7x4x${type}> loc("resample")
  nn.return %0
}
`,
  tolerance: type === 'f32' ? 1e-5 : 0,
});

const crop = 'coordinates = "tf_crop_and_resize", extrapolation = 0.5';

export const samplingCases: readonly Case[] = [
  grid('linear, zeros', '2x3x5x6', '2x4x3x2', '2x3x4x3', ''),
  grid('linear, border, corners aligned', '2x3x5x6', '2x4x3x2', '2x3x4x3', 'padding = "border", align_corners = true'),
  grid('nearest, reflected', '2x3x5x6', '2x4x3x2', '2x3x4x3', 'mode = "nearest", padding = "reflection"'),
  grid('cubic, reflected', '2x3x5x6', '2x4x3x2', '2x3x4x3', 'mode = "cubic", padding = "reflection"'),
  grid('cubic, zeros', '2x3x5x6', '2x4x3x2', '2x3x4x3', 'mode = "cubic", align_corners = true'),
  grid('three axes', '1x2x3x4x5', '1x2x3x2x3', '1x2x2x3x2', 'padding = "reflection"'),
  roiAlign('avg', 2, true),
  roiAlign('avg', 0, false),
  roiAlign('max', 3, true),
  attention('linear', '', ''),
  attention('gated', ', %decay: tensor<2x3x10xf32>', ', %decay'),
  attention('gated_delta', ', %decay: tensor<2x3x2xf32>, %beta: tensor<2x3x1xf32>', ', %decay, %beta'),
  resample('a region, linear', crop, ', %roi'),
  resample('a region, nearest', `${crop}, mode = "nearest"`, ', %roi'),
  resample('a region, cubic without what is outside', `${crop}, mode = "cubic", exclude_outside = true`, ', %roi'),
  resample('a region, cubic', `${crop}, mode = "cubic"`, ', %roi'),
  resample('antialiased', 'antialias = true'),
  resample('integers', 'mode = "cubic"', '', 'i8'),
  {
    name: 'col2im',
    text: `
func @main(%x: tensor<2x12x9xf32>) -> (%y: tensor<2x2x5x6xf32>) {
  %0 = nn.col2im %x {image = [5, 6], kernel = [3, 2], strides = [2, 2], pads = [1, 0, 2, 1], dilations = [1, 1]} : tensor<2x2x5x6xf32> loc("col2im")
  nn.return %0
}
`,
    tolerance: 1e-5,
  },
  {
    name: 'a deformable convolution with two groups and a mask',
    text: `
func @main(%x: tensor<2x4x5x6xf32>, %w: tensor<6x2x3x2xf32>, %offset: tensor<2x24x3x3xf32>, %b: tensor<6xf32>, %mask: tensor<2x12x3x3xf32>) -> (%y: tensor<2x6x3x3xf32>) {
  %0 = nn.deform_conv %x, %w, %offset, %b, %mask {strides = [2, 2], pads = [1, 0, 1, 1], dilations = [1, 2], group = 2, offset_group = 2} : tensor<2x6x3x3xf32> loc("conv")
  nn.return %0
}
`,
    tolerance: 1e-4,
  },
  {
    name: 'n-grams with gaps, two of them in one column',
    text: `
${resource('x', 'i64', [1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8])}
func @main(%s: tensor<1x1xf32>) -> (%y: tensor<2x6xf32>) {
  %c = nn.constant {value = @x} : tensor<2x6xi64>
  %z = nn.cast %s {to = "i64"} : tensor<1x1xi64> loc("cast")
  %m = nn.min %z, %z : tensor<1x1xi64> loc("min")
  %k = nn.sub %m, %z : tensor<1x1xi64> loc("zero")
  %v = nn.add %c, %k : tensor<2x6xi64> loc("add")
  %0 = nn.tf_idf %v {shortest = 1, longest = 2, skip = 3, pool = [2, 3, 5, 4, 5, 6, 7, 8, 6, 7], starts = [0, 4], columns = [0, 1, 2, 3, 4, 5, 5], weights = [1, 2, 1, 2, 0.5, 3], mode = "TFIDF"} : tensor<2x6xf32> loc("grams")
  nn.return %0
}
`,
  },
  {
    name: 'determinants',
    text: `
func @main(%x: tensor<3x4x4xf32>) -> (%y: tensor<3xf32>) {
  %0 = nn.det %x : tensor<3xf32> loc("det")
  nn.return %0
}
`,
    tolerance: 1e-5,
  },
  {
    name: 'a stage of a Fourier transform by 3, turned, and one by 4 back',
    text: `
${resource('w', 'f32', [1, 0, 0.5, -0.25, 1, 0, -0.5, 0.75])}
func @main(%x: tensor<5x4x3x2x2xf32>) -> (%y: tensor<5x4x3x2x2xf32>) {
  %w = nn.constant {value = @w} : tensor<2x2x2xf32>
  %0 = nn.fft_stage %x, %w : tensor<5x3x4x2x2xf32> loc("three")
  %1 = nn.fft_stage %0 {inverse = true} : tensor<5x4x3x2x2xf32> loc("four")
  nn.return %1
}
`,
    tolerance: 1e-6,
  },
  {
    name: 'sequences reversed',
    text: `
${resource('n', 'i64', [4, 0, 2])}
func @main(%x: tensor<4x3x7xi8>) -> (%y: tensor<4x3x7xi8>) {
  %n = nn.constant {value = @n} : tensor<3xi64>
  %0 = nn.reverse_sequence %x, %n : tensor<4x3x7xi8> loc("reverse")
  nn.return %0
}
`,
  },
  {
    name: 'places of the largest, columns first',
    text: `
func @main(%x: tensor<2x2x6x5xi8>) -> (%y: tensor<2x2x3x3xi64>) {
  %0 = nn.max_pool_indices %x {kernel = [3, 2], strides = [2, 2], pads = [1, 1, 0, 0], dilations = [1, 1], column_major = true} : tensor<2x2x3x3xi64> loc("pool")
  nn.return %0
}
`,
  },
  {
    name: 'a GRU that resets the state first',
    text: `
func @main(%x: tensor<4x2x5xf32>, %w: tensor<2x18x5xf32>, %r: tensor<2x18x6xf32>, %b: tensor<2x36xf32>) -> (%y: tensor<4x2x2x6xf32>, %h: tensor<2x2x6xf32>) {
  %0, %1 = nn.gru %x, %w, %r, %b {direction = "bidirectional", activations = ["Sigmoid", "Tanh", "Sigmoid", "Tanh"], alphas = [0, 0, 0, 0], betas = [0, 0, 0, 0]} : tensor<4x2x2x6xf32>, tensor<2x2x6xf32> loc("gru")
  nn.return %0, %1
}
`,
    tolerance: 1e-5,
  },
];
