import { compile } from '../../src/index.ts';
import { cBuilds, cRunner } from '../c.ts';
import type { KernelCase } from '../cases/case.ts';
import { floatMatmul, integerMatmul, type Size } from '../cases/matmul.ts';
import { asQ4, nbitsMatmul } from '../cases/nbits.ts';
import { interleave } from '../interleave.ts';
import { readRunner } from '../peaks.ts';
import { llamaMatmuls } from '../peers/llama.ts';
import { ortNode } from '../peers/ortNode.ts';
import { ortWeb } from '../peers/ortWeb.ts';
import { wasmRunner } from '../qc.ts';
import { rowLoopRunner } from '../rowLoop.ts';
import { onlyOutput, type Runner } from '../runner.ts';
import { type Effort, limitOf, rounds, type Section } from '../section.ts';
import { ratio, type Spread, slowest, spread } from '../stats.ts';
import { markdown, number, times } from '../table.ts';
import { groupTileRunner, groupTileWork } from '../tiles.ts';

const row: Size = { rows: 1, depth: 4096, columns: 4096 };
const square: Size = { rows: 512, depth: 512, columns: 512 };
const native = 'C -O3 -march=native';

/** The program of a case in C. */
async function nativeRunner(one: KernelCase): Promise<Runner> {
  const { files, manifest } = await compile(one.module(), { target: 'c', scheme: one.scheme });
  if (!manifest.c) throw new Error(`${one.name} has no C`);
  return cRunner(`qc ${native}`, { files, signature: manifest.c }, cBuilds[native]);
}

/** Runners whose results are right. @throws Error where one is wrong */
async function checked(one: KernelCase, runners: readonly Runner[], expected: Runner): Promise<readonly Runner[]> {
  const inputs = { x: one.input };
  const wanted = onlyOutput(await expected.run(inputs)).slice();
  for (const runner of runners) {
    const wrong = one.error(onlyOutput(await runner.run(inputs)), wanted);
    if (wrong) throw new Error(`${one.name}, ${runner.name}: wrong results are not timed: ${wrong}`);
  }
  return runners;
}

/** Whether llama.cpp uses the processor's units for matrices, which some have. */
const isAmx = ({ name }: Runner) => name.includes('AMX');

/** A row by 4-bit weights: qc and those who are known for it. */
async function matvec(effort: Effort): Promise<{ rows: string[][]; figures: Record<string, Spread> }> {
  const one = nbitsMatmul(row, 'w4a8');
  const peers = [await ortNode({ bytes: one.onnx }), await ortWeb({ bytes: one.onnx })];
  const own = [await wasmRunner(one, 'relaxed'), await nativeRunner(one)].filter((found) => found !== undefined);
  const llama = await llamaMatmuls(row, asQ4(row));
  const runners = await checked(one, [...peers, ...llama, ...own], peers[0] as Runner);
  const bounds = await rowBounds(4, one.bytes);
  const timed = [...runners, ...bounds.map(({ runner }) => runner)];
  const all = await interleave(timed, { x: one.input }, rounds(effort));
  const [taken, boundsTaken] = [all.slice(0, runners.length), all.slice(runners.length)];
  for (const runner of runners) runner.close?.();
  const median = (i: number) => spread(taken[i] as number[]).median;
  const fastest = (from: readonly Runner[]) => {
    const [best] = from.map((runner) => runners.indexOf(runner)).sort((a, b) => median(a) - median(b));
    return best === undefined ? undefined : (taken[best] as number[]);
  };
  const [matrix, vectors] = [llama.filter(isAmx), llama.filter((runner) => !isAmx(runner))];
  const peersBy = {
    'onnxruntime-node': taken[0],
    'onnxruntime-web': taken[1],
    'llama.cpp': fastest(vectors),
    'llama.cpp with AMX': fastest(matrix),
  };
  const figures: Record<string, Spread> = {};
  const table = runners.map((runner, i) => {
    const mine = taken[i] as number[];
    const over = Object.entries(peersBy).map(([peer, theirs]) => {
      if (!theirs) return '–';
      const found = ratio(theirs, mine);
      const figure = `4-bit matvec, ${runner.name}, over ${peer}`;
      if (own.includes(runner)) figures[figure] = found;
      const bound = boundTimes(runner, bounds, boundsTaken);
      if (own.includes(runner) && isWasm(runner) && bound) figures[limitOf(figure)] = ratio(theirs, bound);
      return times(found);
    });
    return [runner.name, number(median(i)), number(one.bytes / median(i) / 1e6), ...over];
  });
  const boundRows = bounds.map(({ runner }, i) => {
    const { median } = spread(boundsTaken[i] as number[]);
    return [runner.name, number(median), number(one.bytes / median / 1e6), '', '', '', ''];
  });
  return { rows: [...table, ...boundRows], figures };
}

/** A loop that a kernel is held against. */
interface Bound {
  readonly runner: Runner;
  /** Runs of the loop that come to the kernel's work. */
  readonly runs: number;
  /** Whose times it bounds; undefined: it is only told. */
  readonly of?: 'wasm' | 'all';
}

/** What bounds a row by weights of so many bits: in wasm its loop on the same memory, and reading that alone. */
const rowBounds = async (bits: 4 | 2, bytes: number): Promise<Bound[]> => [
  { runner: await rowLoopRunner(row, bits, 'streamed'), runs: 1, of: 'wasm' },
  { runner: await readRunner(bytes), runs: 1, of: 'all' },
  { runner: await rowLoopRunner(row, bits, 'first cache'), runs: 1 },
];

/** The slowest of what bounds `own`, round by round, given the times of all; undefined: nothing does. */
function boundTimes(own: Runner, bounds: readonly Bound[], all: readonly (readonly number[])[]): number[] | undefined {
  const bounding = bounds.flatMap(({ of, runs }, i) =>
    of === 'all' || (of && isWasm(own)) ? [(all[i] as number[]).map((time) => time * runs)] : [],
  );
  return bounding.length > 0 ? slowest(bounding) : undefined;
}

const isWasm = ({ name }: Runner): boolean => name !== `qc ${native}`;

/** What fewer bits make of qc's own time: the first case's over the second's. */
const comparisons: readonly {
  readonly name: string;
  readonly cases: () => readonly [KernelCase, KernelCase];
  /** What the second case is held against. */
  readonly bounds?: (second: KernelCase) => Promise<readonly Bound[]>;
}[] = [
  {
    name: '2-bit matvec over 4-bit',
    cases: () => [nbitsMatmul(row, 'w4a8'), nbitsMatmul(row, 'w4a8', 2)],
    bounds: ({ bytes }) => rowBounds(2, bytes),
  },
  { name: 'W4A8 512³ over int8', cases: () => [integerMatmul(square), integerMatmul(square, 7)] },
  {
    name: 'W4A8 512³ in groups over W8A8, from floats',
    bounds: async ({ multiplyAdds }) => [
      { runner: await groupTileRunner(), runs: multiplyAdds / groupTileWork, of: 'wasm' },
    ],
    cases: () => [floatMatmul(square, 'w8a8-dynamic'), nbitsMatmul(square, 'w4a8')],
  },
  {
    name: 'W4A8 512³ in groups, from floats, over int8',
    cases: () => [integerMatmul(square), nbitsMatmul(square, 'w4a8')],
  },
];

/** Weights of 4 bits and fewer in wasm and in C. */
export const fewBits: Section = {
  name: 'fewBits',
  title: 'Weights of few bits',
  async measure(effort) {
    console.error('measuring a row by weights of 4 bits …');
    const { rows: table, figures } = await matvec(effort);
    const lines: string[] = [];
    for (const { name, cases, bounds: boundsOf } of comparisons) {
      console.error(`measuring ${name} …`);
      for (const make of [(one: KernelCase) => wasmRunner(one, 'relaxed'), nativeRunner]) {
        const pair = cases();
        const runners: Runner[] = [];
        for (const one of pair) {
          const runner = await make(one);
          if (!runner) continue;
          const peer = await ortNode({ bytes: one.onnx });
          await checked(one, [runner], { ...peer, run: () => peer.run({ x: one.onnxInput }) });
          runners.push({
            ...runner,
            run: () => runner.run({ x: one.input }),
            ...(runner.time
              ? { time: (_, n) => (runner.time as NonNullable<Runner['time']>)({ x: one.input }, n) }
              : {}),
          });
        }
        if (runners.length < 2) continue;
        const [slower, faster] = runners as [Runner, Runner];
        const bounds = (await boundsOf?.(pair[1])) ?? [];
        const all = await interleave([...runners, ...bounds.map(({ runner }) => runner)], {}, rounds(effort));
        for (const runner of runners) runner.close?.();
        const [slow, fast, ...boundsTaken] = all as [number[], number[], ...number[][]];
        const figure = `${name}, ${slower.name}`;
        figures[figure] = ratio(slow, fast);
        const bound = boundTimes(faster, bounds, boundsTaken);
        if (bound) figures[limitOf(figure)] = ratio(slow, bound);
        const ms = (taken: readonly number[], runs = 1) => number(runs * spread(taken).median);
        const beside = bounds.map(({ runner, runs }, i) => `${runner.name} ${ms(boundsTaken[i] as number[], runs)} ms`);
        const told = beside.length > 0 ? `; ${ms(slow)} and ${ms(fast)} ms beside ${beside.join(', ')}` : '';
        lines.push(`- ${name}, ${faster.name}: ${times(ratio(slow, fast))}${told}`);
      }
    }
    const header = [
      'a row by 4-bit weights, 4096²',
      'ms',
      'GB/s',
      'over onnxruntime-node',
      'onnxruntime-web',
      'llama.cpp',
      'llama.cpp with AMX',
    ];
    return { text: [markdown(header, table), lines.join('\n')].join('\n\n'), figures };
  },
};
