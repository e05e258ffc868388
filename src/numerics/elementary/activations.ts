/** Activation functions of neural networks in f64, by the definitions of ONNX. Errors are of the order of their parts. */

import { normalCdf } from './errorfunction.ts';
import { expm1, sigmoid, tanh } from './exponential.ts';
import { softplus } from './logarithm.ts';

/** x·Φ(x). */
export function gelu(x: number): number {
  if (x === Number.NEGATIVE_INFINITY) return 0;
  return x * normalCdf(x);
}

/** The approximation of GELU by tanh: ½x(1 + tanh(√(2/π)(x + 0.044715x³))) = x·σ(2√(2/π)(x + 0.044715x³)). */
export function geluTanh(x: number): number {
  if (x === Number.NEGATIVE_INFINITY) return 0;
  return x * sigmoid(1.5957691216057308 * (x + 0.044715 * (x * x * x)));
}

/** x·σ(beta·x), also called swish. */
export function silu(x: number, beta = 1): number {
  const gate = sigmoid(beta * x);
  return gate === 0 ? 0 : x * gate;
}

/** x·tanh(log(1 + e^x)). */
export function mish(x: number): number {
  if (x === Number.NEGATIVE_INFINITY) return 0;
  return x * tanh(softplus(x));
}

/** x for x > 0, else alpha·(e^x − 1). */
export function elu(x: number, alpha = 1): number {
  return x > 0 ? x : alpha * expm1(x);
}

/** gamma·x for x > 0, else gamma·alpha·(e^x − 1). */
export function selu(x: number, alpha = 1.6732631921768188, gamma = 1.0507010221481323): number {
  return gamma * elu(x, alpha);
}

/** max(x, 0) + min(0, alpha·(e^(x/alpha) − 1)). */
export function celu(x: number, alpha = 1): number {
  return x > 0 ? x : alpha * expm1(x / alpha);
}

/** x/(1 + |x|). */
export function softsign(x: number): number {
  return x / (1 + Math.abs(x));
}

/** clip(alpha·x + beta, 0, 1). */
export function hardSigmoid(x: number, alpha = Math.fround(0.2), beta = 0.5): number {
  return Math.max(0, Math.min(1, alpha * x + beta));
}

/** x·relu6(x + 3)/6. */
export function hardSwish(x: number): number {
  if (x <= -3) return 0;
  return (x * Math.min(6, x + 3)) / 6;
}

/** 1/√x. */
export function rsqrt(x: number): number {
  return 1 / Math.sqrt(x);
}
