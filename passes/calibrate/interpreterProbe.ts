import { Stream } from '../../src/interpret/index.ts';
import type { Module, Value } from '../../src/ir/index.ts';
import type { Probe } from '../../src/pass/define.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

/** Values of @main by the interpreter: slow, and for every model. */
export function interpreterProbe(module: Module, values: readonly Value[]): Probe {
  const places = new Map(values.map((value, i) => [value, i]));
  const stream = new Stream(module);
  return {
    engine: 'interpreter',
    run(sample, take) {
      const inputs = { ...stream.states, ...sample };
      module.main.body.args.forEach((arg, i) => {
        const place = places.get(arg);
        if (place !== undefined) take(place, inputs[arg.name ?? `${i}`] as HostTensor);
      });
      stream.run(inputs, {
        observe(op, tensor, index) {
          const value = op.results[index];
          const place = value && places.get(value);
          if (place !== undefined) take(place, tensor);
        },
      });
    },
  };
}
