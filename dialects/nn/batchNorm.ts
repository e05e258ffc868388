import { attr, defineOp, expressed, type Value, withElement } from '../../src/ir/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { elementCount } from '../../src/support/tensor.ts';
import { real, toF64 } from './elements.ts';

export const batchNorm = defineOp({
  name: 'nn.batch_norm',
  summary: 'y[n, c, …] = (x − mean[c]) / √(variance[c] + epsilon) · scale[c] + bias[c].',
  operands: { x: 'required', scale: 'required', bias: 'required', mean: 'required', variance: 'required' },
  attributes: { epsilon: attr.float(Math.fround(1e-5)) },
  infer({ x, scale, bias, mean, variance }) {
    const channels = x.shape[1];
    for (const parameter of [scale, bias, mean, variance]) {
      const [size] = parameter.shape;
      const fits = parameter.shape.length === 1 && channels !== undefined;
      if (fits && (size === channels || typeof channels !== 'number')) continue;
      throw new QcError({
        what: `a parameter of the shape [${parameter.shape.join(', ')}] on an input of [${x.shape.join(', ')}]`,
        why: 'one number for each channel (axis 1) is needed',
        help: 'export the model again',
      });
    }
    return withElement(x, expressed(x.element));
  },
  evaluate({ x, scale, bias, mean, variance }, { epsilon }) {
    const channels = x.shape[1] as number;
    const plane = elementCount(x.shape.slice(2));
    const [gamma, beta, mu, sigma2] = [scale, bias, mean, variance].map(toF64) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const factors = sigma2.map((v, c) => (gamma[c] as number) / Math.sqrt(v + epsilon));
    const values = toF64(x);
    const y = new Float64Array(values.length);
    for (let i = 0; i < y.length; i++) {
      const c = Math.floor(i / plane) % channels;
      y[i] = ((values[i] as number) - (mu[c] as number)) * (factors[c] as number) + (beta[c] as number);
    }
    return real(x.shape, y);
  },
  onnx: [
    {
      op: 'BatchNormalization',
      build(node): Value {
        // How the running statistics move in training does not concern inference.
        node.float('momentum', 0.9);
        if (node.opset >= 14 && node.int('training_mode', 0) !== 0)
          return node.refuse('training mode', 'export for inference');
        if (node.opset < 9 && node.int('spatial', 1) !== 1) return node.refuse('spatial = 0');
        if (node.opset < 7 && node.int('is_test', 0) !== 1) return node.refuse('training mode', 'export for inference');
        const [x, scale, bias] = [node.input(0), node.input(1), node.input(2)];
        const operands = { x, scale, bias, mean: node.input(3), variance: node.input(4) };
        return node.create(batchNorm, operands, { epsilon: node.float('epsilon', Math.fround(1e-5)) }).result;
      },
    },
  ],
  toOnnx: (writer, { x, scale, bias, mean, variance }, { epsilon }) =>
    writer.node('BatchNormalization', [x, scale, bias, mean, variance], { float: { epsilon } }),
});
