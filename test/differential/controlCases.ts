import type { Case } from './cases.ts';

// Branches and loops at run time.

/** A condition %c that holds (`greater_or_equal`) or does not (`less`), which only the program can find out. */
const condition = (sign: 'less' | 'greater_or_equal') => `
  %0 = nn.constant {value = @zero} : tensor<1xf32>
  %squares = nn.mul %s, %s : tensor<3xf32> loc("squares")
  %sum = nn.reduce_sum %squares {axes = [0], keepdims = true} : tensor<1xf32> loc("sum")
  %c = nn.${sign} %sum, %0 : tensor<1xi1> loc("condition")`;

const zero = 'resource @zero : f32[1] = base64 "AAAAAA=="';

/** Two ways of two results each; what is outside belongs to the second way alone. */
export const branch = (sign: 'less' | 'greater_or_equal'): string => `
${zero}
resource @w : f32[48] = random(5, -1, 1)
func @main(%x: tensor<4x6xf32>, %s: tensor<3xf32>) -> (%y: tensor<4x8xf32>, %z: tensor<4x6xf32>) {
  %outer = nn.exp %x : tensor<4x6xf32> loc("outside")${condition(sign)}
  %y, %z = nn.if %c, %x, %outer : tensor<4x8xf32>, tensor<4x6xf32> ({
  ^(%a: tensor<4x6xf32>, %e: tensor<4x6xf32>):
    %w = nn.constant {value = @w} : tensor<6x8xf32>
    %m = nn.matmul %a, %w : tensor<4x8xf32> loc("then.matmul")
    %t = nn.softmax %m {axis = 1} : tensor<4x8xf32> loc("then.softmax")
    nn.return %t, %a
  }, {
  ^(%a: tensor<4x6xf32>, %e: tensor<4x6xf32>):
    %w = nn.constant {value = @w} : tensor<6x8xf32>
    %m = nn.matmul %e, %w : tensor<4x8xf32> loc("else.matmul")
    %n = nn.softmax %e {axis = 1} : tensor<4x6xf32> loc("else.softmax")
    nn.return %m, %n
  }) loc("if")
  nn.return %y, %z
}
`;

/** A way that forks again. */
const nested = (outer: 'less' | 'greater_or_equal', inner: 'less' | 'greater'): string => `
${zero}
func @main(%x: tensor<4x6xf32>, %s: tensor<3xf32>) -> (%y: tensor<4x6xf32>) {${condition(outer)}
  %y = nn.if %c, %x, %sum, %0 : tensor<4x6xf32> ({
  ^(%a: tensor<4x6xf32>, %p: tensor<1xf32>, %q: tensor<1xf32>):
    %d = nn.${inner} %p, %q : tensor<1xi1> loc("inner condition")
    %b = nn.softmax %a {axis = 1} : tensor<4x6xf32> loc("before")
    %r = nn.if %d, %b : tensor<4x6xf32> ({
    ^(%e: tensor<4x6xf32>):
      %f = nn.softmax %e {axis = 0} : tensor<4x6xf32> loc("inner.then")
      nn.return %f
    }, {
    ^(%e: tensor<4x6xf32>):
      %f = nn.cum_sum %e {axis = 1} : tensor<4x6xf32> loc("inner.else")
      nn.return %f
    }) loc("inner")
    nn.return %r
  }, {
  ^(%a: tensor<4x6xf32>, %p: tensor<1xf32>, %q: tensor<1xf32>):
    %f = nn.cum_sum %a {axis = 0} : tensor<4x6xf32> loc("else")
    nn.return %f
  }) loc("outer")
  nn.return %y
}
`;

/** At most ten steps, while the sum of what is doubled is below a limit. */
const loop = `
resource @ten : i64[1] = base64 "CgAAAAAAAAA="
resource @limit : f32[1] = base64 "AADIQg=="
func @main(%x: tensor<2x5xf32>) -> (%y: tensor<2x5xf32>) {
  %n = nn.constant {value = @ten} : tensor<i64>
  %limit = nn.constant {value = @limit} : tensor<f32>
  %a = nn.abs %x : tensor<2x5xf32> loc("abs")
  %s = nn.reduce_sum %a {axes = [0, 1], keepdims = false} : tensor<f32> loc("sum")
  %c = nn.less %s, %limit : tensor<i1> loc("first condition")
  %y = nn.loop %n, %c, %a, %limit {carried = 1} : tensor<2x5xf32> ({
  ^(%i: tensor<i64>, %v: tensor<2x5xf32>, %l: tensor<f32>):
    %d = nn.add %v, %v : tensor<2x5xf32> loc("double")
    %t = nn.reduce_sum %d {axes = [0, 1], keepdims = false} : tensor<f32> loc("step sum")
    %g = nn.less %t, %l : tensor<i1> loc("condition")
    nn.return %g, %d
  }) loc("loop")
  nn.return %y
}
`;

export const controlCases: readonly Case[] = [
  { name: 'a branch, taken', text: branch('greater_or_equal'), tolerance: 1e-5 },
  { name: 'a branch, not taken', text: branch('less'), tolerance: 1e-5 },
  { name: 'a branch in a branch, both taken', text: nested('greater_or_equal', 'greater'), tolerance: 1e-5 },
  { name: 'a branch in a branch, the inner one not taken', text: nested('greater_or_equal', 'less'), tolerance: 1e-5 },
  { name: 'a branch in a branch, the outer one not taken', text: nested('less', 'greater'), tolerance: 1e-5 },
  { name: 'a loop that ends when the data says so', text: loop, tolerance: 1e-5 },
];
