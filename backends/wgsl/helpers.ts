/** Functions that a module defines when a kernel calls them. */
export const helpers = {
  /** Four products of 8-bit codes. Where the language lacks the instruction, the runtime puts `dot4Portable` here. */
  dot4: 'fn dot4(a: u32, b: u32) -> i32 { return dot4I8Packed(a, b); }',
  /** Comparisons rather than min and max, whose result for NaN is left open. */
  min_f32: 'fn min_f32(a: f32, b: f32) -> f32 { return select(a, b, b < a); }',
  max_f32: 'fn max_f32(a: f32, b: f32) -> f32 { return select(a, b, a < b); }',
  /** Infinities and NaN, by their bits, which the compiler must not see through. */
  unusual: 'var<private> nothing: u32 = 0u;\nfn unusual(bits: u32) -> f32 { return bitcast<f32>(bits | nothing); }',
  saturate_i32: [
    'fn saturate_i32(a: f32) -> i32 {',
    '  let whole = i32(clamp(a, -2147483648.0, 2147483520.0));',
    '  let number = select(whole, 0, (bitcast<u32>(a) & 0x7fffffffu) > 0x7f800000u);',
    '  return select(number, 2147483647, a >= 2147483648.0);',
    '}',
  ].join('\n'),
  saturate_u32: [
    'fn saturate_u32(a: f32) -> u32 {',
    '  let whole = u32(clamp(a, 0.0, 4294967040.0));',
    '  let number = select(whole, 0u, (bitcast<u32>(a) & 0x7fffffffu) > 0x7f800000u);',
    '  return select(number, 4294967295u, a >= 4294967296.0);',
    '}',
  ].join('\n'),
  decode_f16: 'fn decode_f16(bits: u32) -> f32 { return unpack2x16float(bits).x; }',
  /** Where the device has 16-bit floats, the runtime puts `encodeNative` here. */
  encode_f16: [
    'fn encode_f16(a: f32) -> u32 {',
    '  let word = bitcast<u32>(a);',
    '  let magnitude = word & 0x7fffffffu;',
    '  let normal = magnitude - 0x38000000u;',
    '  let rounded = (normal + 0xfffu + ((normal >> 13u) & 1u)) >> 13u;',
    '  let small = bitcast<u32>(bitcast<f32>(magnitude) + 0.5) - 0x3f000000u;',
    '  let finite = select(rounded, small, magnitude < 0x38800000u);',
    '  let limited = select(finite, 0x7c00u, magnitude >= 0x47800000u);',
    '  return select(limited, 0x7e00u, magnitude > 0x7f800000u) | ((word >> 16u) & 0x8000u);',
    '}',
  ].join('\n'),
} as const;

/**
 * `encode_f16` on a device that has `shader-f16`: the conversion rounds. What it gives is packed from an f32, since
 * Naga casts no vec2<f16> to a word.
 */
export const encodeNative = [
  'fn encode_f16(a: f32) -> u32 {',
  '  let word = bitcast<u32>(a);',
  '  let magnitude = word & 0x7fffffffu;',
  '  let rounded = f32(f16(clamp(a, -65504.0, 65504.0)));',
  '  let finite = pack2x16float(vec2<f32>(rounded, 0.0)) & 0x7fffu;',
  '  let limited = select(finite, 0x7c00u, magnitude >= 0x477ff000u);',
  '  return select(limited, 0x7e00u, magnitude > 0x7f800000u) | ((word >> 16u) & 0x8000u);',
  '}',
].join('\n');

/** `dot4` without the instruction. */
export const dot4Portable = [
  'fn dot4(a: u32, b: u32) -> i32 {',
  '  let x = vec4<i32>(vec4<u32>(a << 24u, a << 16u, a << 8u, a)) >> vec4<u32>(24u);',
  '  let y = vec4<i32>(vec4<u32>(b << 24u, b << 16u, b << 8u, b)) >> vec4<u32>(24u);',
  '  return dot(x, y);',
  '}',
].join('\n');
