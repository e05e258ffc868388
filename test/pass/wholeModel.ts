import { RandomResource } from '../../src/text/index.ts';

/** A small network that every pipeline compiles: @main takes x, Nx3x12x12, and gives y, Nx10. */
export const wholeModel = `
symbol N in 0..2147483647
resource @w1 : f32[216] = random(1)
resource @s : f32[8] = random(2, 0.5, 1.5)
resource @w2 : f32[8] = random(3)
resource @w3 : f32[80] = random(4)
func @main(%x: tensor<Nx3x12x12xf32>) -> (%y: tensor<Nx10xf32>) {
  %w1 = nn.constant {value = @w1} : tensor<8x3x3x3xf32>
  %s = nn.constant {value = @s} : tensor<8xf32>
  %w2 = nn.constant {value = @w2} : tensor<8x1x1x1xf32>
  %w3 = nn.constant {value = @w3} : tensor<8x10xf32>
  %0 = nn.conv %x, %w1 {strides = [1, 1], pads = [1, 1, 1, 1], dilations = [1, 1]} : tensor<Nx8x12x12xf32> loc("conv1")
  %1 = nn.batch_norm %0, %s, %s, %s, %s : tensor<Nx8x12x12xf32> loc("bn1")
  %2 = nn.clamp %1 {min = 0, max = 6} : tensor<Nx8x12x12xf32> loc("relu1")
  %3 = nn.conv %2, %w2 {strides = [1, 1], pads = [0, 0, 0, 0], dilations = [1, 1], group = 8} : tensor<Nx8x12x12xf32> loc("conv2")
  %4 = nn.sigmoid %3 : tensor<Nx8x12x12xf32> loc("sigmoid")
  %5 = nn.add %4, %2 : tensor<Nx8x12x12xf32> loc("sum")
  %6 = nn.reduce_mean %5 {axes = [2, 3], keepdims = false} : tensor<Nx8xf32> loc("mean")
  %7 = nn.matmul %6, %w3 : tensor<Nx10xf32> loc("fc")
  %8 = nn.softmax %7 {axis = 1} : tensor<Nx10xf32> loc("softmax")
  nn.return %8
}
`;

const shape = [1, 3, 12, 12] as const;
const size = shape.reduce<number>((n, d) => n * d, 1);

/** An input of the model for a batch of 1, from a seed. */
export const wholeModelSample = (seed: number) => ({
  x: { dtype: 'f32', shape: [...shape], data: new RandomResource('x', 'f32', size, seed).data() } as const,
});
