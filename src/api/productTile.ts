import { runWasm } from '../../backends/wasm/host.ts';
import { wasmTarget } from '../../backends/wasm/target.ts';
import type { TypedArray } from '../support/tensor.ts';
import { runPipeline, stagesFor } from './pipeline.ts';
import { parse } from './read.ts';

/** Outputs of a panel: what a tile of the kernel holds beside one another. */
export const panel = 8;

/** A compiled product of matrices [edge, depth] and [depth, edge], with its memory. */
export interface ProductTile<Factor extends TypedArray, Sum extends TypedArray> {
  readonly edge: number;
  readonly depth: number;
  readonly run: () => void;
  /** [edge, depth] */
  readonly a: Factor;
  /** [edge/8, depth, 8] */
  readonly b: Factor;
  /** [edge/8, edge, 8] */
  readonly y: Sum;
}

/** How a tile multiplies. */
export interface TileKind<Factor extends TypedArray, Sum extends TypedArray> {
  readonly op: 'nn.matmul' | 'int.matmul';
  readonly factor: Factor extends Float32Array ? 'f32' : 'i16';
  readonly sum: Sum extends Float32Array ? 'f32' : 'i32';
}

/** Compiles a tile for baseline SIMD, whose results are the same on every machine. */
export async function compileTile<Factor extends TypedArray, Sum extends TypedArray>(
  { op, factor, sum }: TileKind<Factor, Sum>,
  edge: number,
  depth: number,
): Promise<ProductTile<Factor, Sum>> {
  const [left, right] = [`tensor<${edge}x${depth}x${factor}>`, `tensor<${edge / panel}x${depth}x${panel}x${factor}>`];
  const result = `tensor<${edge / panel}x${edge}x${panel}x${sum}>`;
  const module = parse(`func @main(%a: ${left}, %b: ${right}) -> (%y: ${result}) {
  %y = ${op} %a, %b : ${result}
  nn.return %y
}`);
  await runPipeline(module, stagesFor('float').kernels, { target: wasmTarget });
  const { views, execute } = await runWasm(module, { simd: 'baseline' });
  const { a, b } = views.inputs as unknown as Record<'a' | 'b', Factor>;
  const { y } = views.outputs as unknown as Record<'y', Sum>;
  return { edge, depth, run: execute, a, b, y };
}
