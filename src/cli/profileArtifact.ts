import { type Profile, profile } from '../api/profile.ts';
import { countText } from '../api/summary.ts';
import { loadArtifact } from './artifactFile.ts';
import { flameGraph } from './flame.ts';
import { writeWhole } from './outputFolder.ts';
import { percentText, tableText } from './table.ts';
import type { Terminal } from './terminal.ts';

export interface ProfileArguments {
  readonly rounds: number | undefined;
  readonly simd: string | undefined;
  readonly flame: string | undefined;
}

/** Times every launch of an artifact and prints a table, slowest first. */
export async function profileArtifact(path: string, options: ProfileArguments, terminal: Terminal): Promise<void> {
  const { files } = loadArtifact(path);
  const result = await profile(files, {
    ...(options.rounds === undefined ? {} : { rounds: options.rounds, budget: Number.POSITIVE_INFINITY }),
    simd: (options.simd ?? 'auto') as 'auto' | 'baseline' | 'relaxed',
  });
  if (options.flame !== undefined) {
    const rows = result.launches.map(({ layer, op, median }) => ({ layer, op, microseconds: median }));
    writeWhole(options.flame, flameGraph(`${result.name}, ${result.scheme}, ${result.simd}`, rows));
  }
  if (terminal.json) terminal.printJson(result);
  else terminal.print(profileText(result));
}

function profileText({ name, scheme, simd, rounds, launches, total }: Profile): string {
  const head = ['layer', 'operation', 'µs', 'least µs', 'share', 'multiply-adds', 'per ns'];
  const rows = launches
    .toSorted((a, b) => b.median - a.median)
    .map(({ layer, op, median, least, multiplyAdds }) => [
      layer || '(no name)',
      op,
      median.toFixed(1),
      least.toFixed(1),
      percentText(median / total),
      multiplyAdds > 0 ? countText(multiplyAdds) : '',
      multiplyAdds > 0 ? (multiplyAdds / least / 1000).toFixed(1) : '',
    ]);
  return [
    `${name}: ${scheme}, ${simd} SIMD, medians of ${rounds} runs, ${total.toFixed(0)} µs in all`,
    '',
    tableText([head, ...rows]),
  ].join('\n');
}
