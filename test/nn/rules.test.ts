import { describe, expect, it } from 'vitest';
import { concat, conv, matmul, pad, reshape, slice, transpose } from '../../dialects/nn/index.ts';
import { evaluateOp } from '../../src/interpret/index.ts';
import {
  affine,
  Block,
  type Op,
  quantParams,
  quantType,
  Rewriter,
  symbol,
  type TensorType,
  type Type,
  tensor,
  type Value,
} from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';

/** Arguments of the given types in a block, and a rewriter at its end. */
function at(...types: Type[]): { rewriter: Rewriter; args: Value[] } {
  const block = new Block();
  return { rewriter: new Rewriter().atEnd(block), args: types.map((type) => block.addArgument(type)) };
}

const [N, H] = [symbol('N'), symbol('H')];
const perAxis = (axis: number) =>
  quantType({ storage: 'i8', granularity: { kind: 'axis', axis }, params: quantParams({ scale: [1, 2, 3] }) });

const typeOf = (op: Op) => op.result.type as TensorType;

describe('quantized elements that move', () => {
  it('keep their scales on the axis that holds them', () => {
    const { rewriter, args } = at(tensor([3, 4, 5], perAxis(0)));
    const moved = rewriter.create(transpose, { x: args[0] as Value }, { perm: [1, 2, 0] });
    expect(typeOf(moved)).toBe(tensor([4, 5, 3], perAxis(2)));
    const flat = rewriter.create(reshape, { x: moved.result }, { shape: [20, 3] });
    expect(typeOf(flat)).toBe(tensor([20, 3], perAxis(1)));
  });

  it('are refused when that axis does not survive', () => {
    const { rewriter, args } = at(tensor([3, 4], perAxis(0)));
    expect(() => rewriter.create(reshape, { x: args[0] as Value }, { shape: [12] })).toThrow(QcError);
    expect(() =>
      rewriter.create(slice, { x: args[0] as Value }, { starts: [1, 0], steps: [1, 1], sizes: [2, 4] }),
    ).toThrow(QcError);
  });

  it('pad with the code of the real value', () => {
    const { rewriter, args } = at(tensor([2], affine('i8', 0.5, -7)));
    const op = rewriter.create(pad, { x: args[0] as Value }, { pads: [1, 1], value: 1 });
    const [y] = evaluateOp(op, [{ dtype: 'i8', shape: [2], data: Int8Array.of(3, 4) }]);
    expect(y?.data).toEqual(Int8Array.of(-5, 3, 4, -5));
  });

  it('are joined only when they mean the same', () => {
    const { rewriter, args } = at(tensor([2], affine('i8', 0.5)), tensor([2], affine('i8', 0.25)));
    expect(() => rewriter.create(concat, { xs: args }, { axis: 0 })).toThrow(QcError);
  });
});

describe('real arithmetic on quantized operands', () => {
  it('is exact, and rounds once into a quantized result', () => {
    const { rewriter, args } = at(tensor([1, 2], affine('u8', 0.5, 10)), tensor([2, 1], affine('i8', 0.25)));
    const [a, b] = args as [Value, Value];
    const op = rewriter.create(matmul, { a, b }, {}, { types: [tensor([1, 1], affine('i8', 0.5, 1))] });
    // (0.5·20)(0.25·3) + (0.5·−10)(0.25·−1) = 7.5 + 1.25 = 8.75, that is 17.5 steps: half to even is 18, plus 1.
    const operands = [
      { dtype: 'u8' as const, shape: [1, 2], data: Uint8Array.of(30, 0) },
      { dtype: 'i8' as const, shape: [2, 1], data: Int8Array.of(3, -1) },
    ];
    expect(evaluateOp(op, operands)[0]?.data).toEqual(Int8Array.of(19));
  });
});

describe('symbolic shapes', () => {
  it('go through a strided convolution', () => {
    const { rewriter, args } = at(tensor([N, 3, H, 32], 'f32'), tensor([8, 3, 3, 3], 'f32'));
    const [x, w] = args as [Value, Value];
    const op = rewriter.create(conv, { x, w }, { strides: [2, 2], pads: [1, 1, 1, 1], dilations: [1, 1] });
    expect(typeOf(op).shape.map(String)).toEqual(['N', '8', '(floordiv((H + -1), 2) + 1)', '16']);
    expect(op.definition.cost(op).multiplyAdds).toBe(8 * 16 * 27);
  });

  it('count channels and ranks', () => {
    const { rewriter, args } = at(tensor([N, 3, H, 32], 'f32'), tensor([8, 4, 3, 3], 'f32'));
    const [x, w] = args as [Value, Value];
    expect(() => rewriter.create(conv, { x, w }, { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1] })).toThrow(
      /channels do not fit/,
    );
  });
});
