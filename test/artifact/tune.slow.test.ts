import { describe, expect, it } from 'vitest';
import { type Artifact, finish, prepare } from '../../src/api/compile.ts';
import { readTuning, tune } from '../../src/api/tune.ts';
import { instantiate, parse, profile, QcError } from '../../src/index.ts';
import type { HostTensor } from '../../src/support/tensor.ts';
import type { Schedules } from '../../src/target/index.ts';

const model = `
resource @w1 : f32[6144] = random(1, -1, 1)
resource @w2 : f32[6144] = random(2, -1, 1)
func @main(%x: tensor<24x64xf32>) -> (%y: tensor<24x64xf32>) {
  %w1 = nn.constant {value = @w1} : tensor<64x96xf32>
  %w2 = nn.constant {value = @w2} : tensor<96x64xf32>
  %0 = nn.matmul %x, %w1 : tensor<24x96xf32> loc("up")
  %1 = nn.matmul %0, %w2 : tensor<24x64xf32> loc("down")
  nn.return %1
}
`;
const x: HostTensor = {
  dtype: 'f32',
  shape: [24, 64],
  data: Float32Array.from({ length: 24 * 64 }, (_, i) => Math.sin(i)),
};
const prepared = await prepare(parse(model));
const compiled = async (schedules: Schedules) => finish(await prepare(parse(model)), { target: 'wasm', schedules });
const codeOf = (files: Artifact['files']) => Buffer.from(files.get('model.wasm') ?? []).toString('base64');

describe('tuning', () => {
  it('keeps for each layer the tile that took least in any turn, where it saves enough', async () => {
    const known = new Map<string, number | undefined>();
    for (const rows of [undefined, 1, 2, 3]) {
      const { files } = await compiled(rows ? { up: { rows }, down: { rows } } : {});
      known.set(codeOf(files), rows);
    }
    /** Microseconds of both layers, by the rows of their tiles. */
    const times = new Map<number | undefined, readonly (readonly [number, number])[]>([
      [undefined, [[100, 100]]],
      [1, [[200, 98]]],
      // slow in the first turn, as on a busy machine
      [
        2,
        [
          [300, 300],
          [60, 120],
        ],
      ],
      [3, [[70, 99]]],
    ]);
    const turns = new Map<string, number>();
    const { tuning, layers } = await tune(prepared, {
      target: 'wasm',
      machine: 'a test',
      turns: 2,
      time(files) {
        const code = codeOf(files);
        const turn = turns.get(code) ?? 0;
        turns.set(code, turn + 1);
        const found = known.has(code) ? (times.get(known.get(code)) ?? []) : [];
        return found[Math.min(turn, found.length - 1)] ?? [500, 500];
      },
    });
    expect(new Set(turns.values())).toEqual(new Set([2]));
    expect(tuning).toEqual({
      format: 1,
      target: 'wasm',
      scheme: 'float',
      machine: 'a test',
      layers: { up: { rows: 2 } },
    });
    expect(layers).toEqual([{ layer: 'up', rows: 2, before: 100, after: 60 }]);
  });

  it('makes another program, the same each time, with the same answers', async () => {
    const [plain, tuned, again] = await Promise.all([{}, { up: { rows: 2 } }, { up: { rows: 2 } }].map(compiled));
    expect(codeOf((tuned as Artifact).files)).not.toBe(codeOf((plain as Artifact).files));
    expect(codeOf((tuned as Artifact).files)).toBe(codeOf((again as Artifact).files));
    const [expected, found] = await Promise.all(
      [plain, tuned].map(async (artifact) => (await instantiate((artifact as Artifact).files)).run({ x })),
    );
    expect(found).toEqual(expected);
  });

  it('takes the times of real programs', async () => {
    const time = async (files: Artifact['files']) =>
      (await profile(files, { rounds: 3 })).launches.map(({ least }) => least);
    const { layers } = await tune(prepared, { target: 'wasm', machine: 'this one', turns: 1, time });
    for (const { before, after } of layers) expect(after).toBeLessThan(before);
  });

  it.each([
    ['{', 'no JSON'],
    ['{"format": 2}', 'no file of schedules'],
    [
      '{"format": 1, "target": "wasm", "scheme": "float", "machine": "", "layers": {"up": {"rows": 0}}}',
      'no file of schedules',
    ],
  ])('refuses %s', (text, what) => {
    expect(() => readTuning(text, 'a.json')).toThrow(QcError);
    expect(() => readTuning(text, 'a.json')).toThrow(what);
  });
});
