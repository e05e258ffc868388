import type { Case } from '../differential/cases.ts';

/** So many rows that a warp takes two tiles by four. */
export const largeMatmul: Case = {
  name: 'i8 matmul 1040x32x128',
  text: `
resource @w : i8[4096] = random(1, -128, 127)
func @main(%x: tensor<1040x32xi8>) -> (%y: tensor<1040x128xi32>) {
  %w = nn.constant {value = @w} : tensor<32x128xi8>
  %0 = int.matmul %x, %w {zero_point_a = -5} : tensor<1040x128xi32> loc("fc")
  nn.return %0
}
`,
};
