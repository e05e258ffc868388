import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emitC } from '../../backends/c/emit.ts';
import { cTarget } from '../../backends/c/target.ts';
import { loadWasmRuntime } from '../../backends/wasm/host.ts';
import { emitWasm } from '../../backends/wasm/package.ts';
import { wasmTarget } from '../../backends/wasm/target.ts';
import { bindDimensions } from '../../src/api/dimensions.ts';
import { stagesFor } from '../../src/api/pipeline.ts';
import { findCompiler, runC } from '../../src/cli/host/c.ts';
import { importOnnx, interpret, type Module, parse, print, runPipeline } from '../../src/index.ts';
import { bytesOfTensor, type HostTensor } from '../../src/support/tensor.ts';
import { hasModels, modelCases } from '../quant/modelCases.ts';
import { hosts, missingHosts, type Outcome, runOnHost } from './hosts.ts';
import { type Cut, exposeIntegers } from './integerResults.ts';
import { packagedModels, type SingleInputModel, sharedModels } from './singleInput.ts';

const rowsToRun = 2;
const rowsToCalibrate = 4;

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const hasC = (() => {
  try {
    return findCompiler() !== '';
  } catch {
    return false;
  }
})();

/** A model in integers, before kernels, as text: each cut and target uses up a module of its own. */
async function quantized(model: SingleInputModel): Promise<() => Module> {
  const module = importOnnx(model.bytes);
  await bindDimensions(module, model.dims);
  const rows = model.rows('calib').slice(0, rowsToCalibrate);
  const calibration = rows.map((row) => ({ [model.input]: row }));
  await runPipeline(module, stagesFor('w8a8').model, { calibration });
  const { text, bin } = print(module);
  return () => parse(text, bin ? { bin } : {});
}

/** A cut module: what the interpreter makes of it, and the module lowered for a target on demand. */
interface CutModel {
  /** Outputs whose bytes must be the same everywhere. */
  readonly names: readonly string[];
  /** Their hashes, row by row. */
  readonly expected: readonly Readonly<Record<string, string>>[];
  lowered(target: typeof wasmTarget): Promise<Module>;
}

function cutModel(fresh: () => Module, model: SingleInputModel, rows: readonly HostTensor[], cut: Cut): CutModel {
  const cutFresh = () => {
    const module = fresh();
    return { module, names: exposeIntegers(module, cut) };
  };
  const { module, names } = cutFresh();
  const expected = rows.map((row) => {
    const results = interpret(module, { [model.input]: row });
    return Object.fromEntries(names.map((name) => [name, sha256(bytesOfTensor(results[name] as HostTensor))]));
  });
  return {
    names,
    expected,
    async lowered(target) {
      const { module: own } = cutFresh();
      await runPipeline(own, stagesFor('w8a8').kernels, { target });
      return own;
    },
  };
}

function pick(hashes: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, hashes[name] ?? 'absent']));
}

function expectEqualBytes(outcome: Outcome, { names, expected }: CutModel, where: string): void {
  if ('refused' in outcome) throw new Error(`${where}: ${outcome.refused}`);
  expect(
    outcome.rows.map((row) => pick(row, names)),
    where,
  ).toEqual(expected);
}

/** Every host and instruction path gives the interpreter's integers; floats do not depend on the host. */
function expectSameOnHosts(folder: string, cut: CutModel, relaxedIsExactHere: boolean): void {
  const baselines: Outcome[] = [];
  for (const host of hosts) {
    const { baseline, relaxed, auto } = runOnHost(host, folder);
    const refused = 'refused' in relaxed;
    if (host.name === 'Node 24') expect(refused, `${host.name}, relaxed refused`).toBe(!relaxedIsExactHere);
    expectEqualBytes(baseline, cut, `${host.name}, baseline`);
    expectEqualBytes(auto, cut, `${host.name}, auto`);
    if (!refused) expectEqualBytes(relaxed, cut, `${host.name}, relaxed`);
    expect('simd' in auto && auto.simd, `${host.name}, auto`).toBe(refused ? 'baseline' : 'relaxed');
    baselines.push(baseline);
  }
  for (const other of baselines) expect(other).toEqual(baselines[0]);
}

const unlessHere = (missing: readonly string[]) =>
  missing.length === 0 ? '' : ` (skipped without ${missing.join(', ')})`;

function describeModel(model: SingleInputModel): void {
  describe(model.name, () => {
    const rows = model.rows('dev').slice(0, rowsToRun);
    const cuts = new Map<Cut, CutModel>();
    let folder = '';

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'qc-paths-'));
      writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
      writeFileSync(join(folder, 'input.bin'), Buffer.concat(rows.map(bytesOfTensor)));
      const fresh = await quantized(model);
      for (const cut of ['codes', 'border'] as const) cuts.set(cut, cutModel(fresh, model, rows, cut));
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    describe.each(['codes', 'border'] as const)('%s', (name) => {
      it.skipIf(missingHosts.length > 0)(
        `are the interpreter's in wasm on every Node and instruction path${unlessHere(missingHosts)}`,
        async () => {
          const cut = cuts.get(name) as CutModel;
          expect(cut.names).not.toEqual([]);
          const { files } = await emitWasm(await cut.lowered(wasmTarget));
          for (const [path, bytes] of files) writeFileSync(join(folder, path), bytes);
          const { probeRelaxedDot } = await loadWasmRuntime();
          expectSameOnHosts(folder, cut, probeRelaxedDot() !== undefined);
        },
      );

      it.skipIf(!hasC)(`are the interpreter's in C${unlessHere(hasC ? [] : ['a C compiler'])}`, async () => {
        const cut = cuts.get(name) as CutModel;
        expect(cut.names).not.toEqual([]);
        const { files, signature } = emitC(await cut.lowered(cTarget), { name: 'model' });
        const outputs = runC({ files, signature }, [rows[0] as HostTensor], { flags: ['-O1'] });
        const hashes = signature.outputs.map((port, i) => [port.name, sha256(bytesOfTensor(outputs[i] as HostTensor))]);
        expect(pick(Object.fromEntries(hashes), cut.names)).toEqual(cut.expected[0]);
      });
    });
  });
}

describe('integers of the packaged w8a8 model', () => packagedModels().forEach(describeModel));

describe.skipIf(!hasModels)(
  'integers of the shared w8a8 models (skipped where ../shared/models or ../shared/data is absent)',
  () => {
    for (const name of modelCases.map((model) => model.name)) {
      const model = sharedModels().find((one) => one.name === name);
      if (model) describeModel(model);
      else it.skip(name, () => {});
    }
  },
);
