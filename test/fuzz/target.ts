import { registry } from '../../dialects/index.ts';
import { allPasses } from '../../passes/index.ts';
import { pipelines } from '../../passes/pipelines.ts';
import { interpret } from '../../src/interpret/index.ts';
import { type TensorType, verifyModule } from '../../src/ir/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import { runPipeline } from '../../src/pass/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { zeros } from '../../src/support/tensor.ts';

/** Elements of an input that a run is worth. */
const smallInput = 1 << 16;

/**
 * Imports, verifies, transforms and runs a file, on zeros.
 * @returns whether it gave results; false: it was refused. Anything but a QcError is thrown.
 */
export async function survives(bytes: Uint8Array): Promise<boolean> {
  try {
    const module = importOnnx(bytes, { registry });
    verifyModule(module);
    await runPipeline(module, pipelines.float.join(','), { passes: allPasses, registry });
    const inputs = module.main.body.args.map((arg) => {
      const { shape, element } = arg.type as TensorType;
      return { name: arg.name as string, element, sizes: shape.map((dim) => (typeof dim === 'number' ? dim : 1)) };
    });
    if (inputs.some(({ sizes }) => sizes.reduce((a, b) => a * b, 1) > smallInput)) return true;
    interpret(
      module,
      Object.fromEntries(inputs.map(({ name, element, sizes }) => [name, zeros(element as 'f32', sizes)])),
    );
    return true;
  } catch (error) {
    if (error instanceof QcError) return false;
    throw error;
  }
}
