import type { Func } from '../../src/ir/index.ts';
import type { Names } from './names.ts';
import type { SimtLaunch } from './simtProgram.ts';

/** A kernel of the generated file, which may serve several layers. */
export interface EntryPoint {
  readonly name: string;
  /** Everything but its name, whose place is behind the first line. */
  readonly text: readonly string[];
  readonly buffers: number;
  /** Names of the model's layers. */
  readonly layers: Set<string>;
}

/** The kernels that are launched, each text once, in the order of their first launch; and that of each launch. */
export function entryPoints(
  launches: readonly SimtLaunch[],
  names: Names,
  textOf: (launch: SimtLaunch) => readonly string[],
): { readonly entries: readonly EntryPoint[]; readonly kernels: readonly EntryPoint[] } {
  const byText = new Map<string, EntryPoint>();
  const byKernel = new Map<Func, EntryPoint>();
  const entries = launches.map((launch) => {
    const { kernel, source } = launch;
    let entry = byKernel.get(kernel);
    if (!entry) {
      const text = textOf(launch);
      const key = text.join('\n');
      const buffers = kernel.body.args.length;
      entry = byText.get(key) ?? {
        name: names.unique(`layer_${source || kernel.name}`),
        text,
        buffers,
        layers: new Set(),
      };
      byText.set(key, entry);
      byKernel.set(kernel, entry);
    }
    entry.layers.add(source || kernel.name);
    return entry;
  });
  return { entries, kernels: [...byText.values()] };
}
