import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { registry } from '../../dialects/index.ts';
import { interpret } from '../../src/interpret/index.ts';
import { type TensorType, verifyModule } from '../../src/ir/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { zeros } from '../../src/support/tensor.ts';

const folder = '../shared/conformance/malformed';
const present = existsSync(`${folder}/cases.json`);

interface Case {
  readonly id: string;
  readonly what: string;
  readonly expect: string;
}

const cases = present ? (JSON.parse(readFileSync(`${folder}/cases.json`, 'utf8')) as Case[]) : [];

/** Reads files beside the model and refuses links that leave its folder, as the command line does. */
function externalData(model: string) {
  const home = realpathSync(dirname(model));
  return (location: string): Uint8Array | undefined => {
    const path = join(home, location);
    if (!existsSync(path)) return undefined;
    if (!realpathSync(path).startsWith(`${home}/`)) throw new QcError({ what: `'${location}' leaves the folder` });
    return new Uint8Array(readFileSync(path));
  };
}

/** Imports, verifies, and runs on zeros; the first symbol is 1. */
function importAndRun(id: string): void {
  const path = resolve(folder, id, 'model.onnx');
  const bytes = new Uint8Array(readFileSync(path));
  const module = importOnnx(bytes, { registry, externalData: externalData(path), fileName: 'model.onnx' });
  verifyModule(module);
  const inputs = module.main.body.args.map((arg) => {
    const { shape, element } = arg.type as TensorType;
    const sizes = shape.map((dim) => (typeof dim === 'number' ? dim : 1));
    return [arg.name as string, zeros(element as 'f32', sizes)] as const;
  });
  const outputs = interpret(module, Object.fromEntries(inputs));
  expect(Object.keys(outputs).length).toBe(module.main.resultNames.length);
}

describe.skipIf(!present)(`malformed models (skipped: ${folder} is absent)`, () => {
  it.each(cases)('$id: $what', ({ id, expect: expected }) => {
    if (!existsSync(join(folder, id, 'model.onnx'))) return expect(id).toBe('ext_hardlink');
    if (expected === 'run') return importAndRun(id);
    try {
      importAndRun(id);
    } catch (error) {
      expect(error, String((error as Error).stack)).toBeInstanceOf(QcError);
      return;
    }
    expect(expected, `${id} was not refused`).toMatch(/-or-/);
  });
});
