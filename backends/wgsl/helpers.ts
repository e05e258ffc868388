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
} as const;

/** `dot4` without the instruction. */
export const dot4Portable = [
  'fn dot4(a: u32, b: u32) -> i32 {',
  '  let x = vec4<i32>(vec4<u32>(a << 24u, a << 16u, a << 8u, a)) >> vec4<u32>(24u);',
  '  let y = vec4<i32>(vec4<u32>(b << 24u, b << 16u, b << 8u, b)) >> vec4<u32>(24u);',
  '  return dot(x, y);',
  '}',
].join('\n');
