import { elementOf } from '../../dialects/kernel/index.ts';
import { staticShape, stridesOf, type Value } from '../../src/ir/index.ts';
import { borderOf, cornerOf, filled, isInsideAll, readable } from '../border.ts';
import { type Cluster, clamped, epilogue, epilogueOperands, perAxis, tensorType } from '../cluster.ts';
import type { KernelContext, KernelPlan } from '../plan.ts';
import { dot, everywhere, foldOver } from './nest.ts';
import { count } from './places.ts';

/** A convolution with weights that are computed at run time: one product after the other. */
export function serialConv(cluster: Cluster, context: KernelContext): KernelPlan {
  const { root } = cluster;
  const [x, w, bias] = root.operands.map((v) => v && cluster.outside(v)) as [Value, Value, Value | undefined];
  const [xSteps, wSteps] = [stridesOf(tensorType(x)), stridesOf(tensorType(w))];
  const result = tensorType(cluster.result);
  const [batch, outputs, ...pixels] = staticShape(result) as [number, number, ...number[]];
  const [, inputs, ...kernel] = staticShape(tensorType(w)) as [number, number, ...number[]];
  const groups = (root.attributes.group as number | undefined) ?? 1;
  const perGroup = outputs / groups;
  const strides = perAxis(root.attributes.strides, kernel.length);
  const dilations = perAxis(root.attributes.dilations, kernel.length);
  const border = borderOf(root, x, kernel, 0);
  const others = epilogueOperands(cluster);
  const spatial = xSteps.slice(2);
  const to = stridesOf(result);
  return {
    operands: [x, w, ...(bias ? [bias] : []), ...others],
    multiplyAdds: batch * outputs * count(pixels) * inputs * count(kernel),
    variants: [
      {
        feature: undefined,
        build(k) {
          const [from, weights] = [context.input(k, 'x', x), context.input(k, 'w', w)];
          const starts = bias && context.input(k, 'bias', bias);
          const beside = new Map(others.map((v, i) => [v, context.input(k, `beside${i}`, v)]));
          const y = context.output(k, cluster.result);
          const after = epilogue(cluster, beside);
          everywhere(k, [batch, groups, perGroup, ...pixels], ([n, group, o, ...pixel]) => {
            const channel = k.add(k.scaled(group as Value, perGroup), o as Value);
            const firstInput = k.scaled(group as Value, inputs * (xSteps[1] as number));
            const corner = dot(
              k,
              [n as Value, ...pixel],
              [xSteps[0] as number, ...spatial.map((step, i) => step * (strides[i] as number))],
            );
            const window = k.add(k.add(corner, k.index(border?.origin ?? 0)), firstInput);
            const begin = border && cornerOf(k, border, pixel);
            const panel = k.scaled(channel, wSteps[0] as number);
            const start = starts ? k.load(starts, channel) : k.constant(0, elementOf(from));
            const [sum] = foldOver(k, [inputs, ...kernel], [start], ([c, ...cell], [total]) => {
              const at = dot(
                k,
                [c as Value, ...cell],
                [xSteps[1] as number, ...spatial.map((step, i) => step * (dilations[i] as number))],
              );
              const weight = k.load(weights, k.add(panel, dot(k, [c as Value, ...cell], wSteps.slice(1))));
              const inside = border && begin && isInsideAll(k, border, begin, cell);
              const loaded = k.load(from, readable(k, inside, k.add(window, at)));
              return [k.add(total as Value, k.mul(filled(k, inside, loaded, 0), weight))];
            });
            const element = dot(k, [n as Value, channel, ...pixel], to);
            k.store(after(k, clamped(k, sum as Value, root), { element, channel }, 1), y, element);
          });
        },
      },
    ],
  };
}
