import { formats } from '../../src/numerics/index.ts';
import type { Case } from './cases.ts';

/** Numbers from deep among the subnormal ones of a format to far beyond its largest. */
const wide = (largest: number): string => `
resource @factor : f32[1] = random(1, ${largest}, ${largest})
func @main(%x: tensor<40x7xf32>) -> (%y: tensor<40x7xf32>, %z: tensor<40x7xf32>) {
  %f = nn.constant {value = @factor} : tensor<1xf32>
  %square = nn.mul %x, %x : tensor<40x7xf32> loc("square")
  %cube = nn.mul %square, %x : tensor<40x7xf32> loc("cube")
  %ninth = nn.mul %cube, %square : tensor<40x7xf32> loc("ninth")
  %0 = nn.mul %ninth, %f : tensor<40x7xf32> loc("scaled")
`;

/** Small floats and powers of two: bits that every target must make alike. */
export const roundingCases: readonly Case[] = [
  ...Object.entries(formats.smallGrids).map(([format, { largest }]) => ({
    name: `rounded to ${format}`,
    text: `${wide(largest)}  %y = quant.round_float %0 {format = "${format}"} : tensor<40x7xf32> loc("large")
  %z = quant.round_float %x {format = "${format}"} : tensor<40x7xf32> loc("small")
  nn.return %y, %z
}
`,
  })),
  {
    name: 'powers of two',
    text: `${wide(2 ** 100)}  %a = nn.abs %0 : tensor<40x7xf32> loc("a")
  %b = nn.clamp %a {min = 1e-30, max = inf} : tensor<40x7xf32> loc("b")
  %y = quant.power_of_two %b : tensor<40x7xf32> loc("p")
  %c = nn.abs %x : tensor<40x7xf32> loc("c")
  %d = nn.clamp %c {min = 1e-3, max = inf} : tensor<40x7xf32> loc("d")
  %z = quant.power_of_two %d : tensor<40x7xf32> loc("q")
  nn.return %y, %z
}
`,
  },
];
