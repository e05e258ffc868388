import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { registry } from '../../dialects/index.ts';
import { interpret, type Tensors } from '../../src/interpret/index.ts';
import type { Module } from '../../src/ir/index.ts';
import { decodeBf16, decodeF16 } from '../../src/numerics/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import { decodeModel, decodeTensorFile, hostTensor, readTensor } from '../../src/onnx/proto/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { HostTensor } from '../../src/support/tensor.ts';

// One of ONNX's backend tests: a model, inputs, and the outputs of ONNX's own reference implementation.

export interface Outcome {
  readonly status: 'pass' | 'refused' | 'wrong' | 'not-tensors';
  readonly why: string;
}

export const readTensorFile = (path: string): HostTensor =>
  hostTensor(readTensor(decodeTensorFile(new Uint8Array(readFileSync(path)))));

const filesOf = (dir: string, kind: string) =>
  readdirSync(dir)
    .filter((name) => name.startsWith(`${kind}_`))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));

type Through = (module: Module) => Module;

/** What differs in one of a model's outputs; undefined where nothing does. */
type Compare = (actual: HostTensor, expected: HostTensor, output: number) => string | undefined;

const closely: Compare = (actual, expected) => compareTensors(actual, expected);

/**
 * Runs every data set of a test through importer and interpreter, the module as `through` gives it. A QcError is a
 * refusal; anything else is thrown.
 */
export function runBackendTest(dir: string, compare: Compare = closely, through: Through = (m) => m): Outcome {
  const bytes = new Uint8Array(readFileSync(join(dir, 'model.onnx')));
  try {
    const { graph } = decodeModel(bytes);
    const others = [...graph.inputs, ...graph.outputs].find(
      ({ type }) => type && (type.kind !== 'tensor' || type.dtype === 'string'),
    );
    if (others) return { status: 'not-tensors', why: others.name };
    for (const set of readdirSync(dir).filter((name) => name.startsWith('test_data_set_'))) {
      const at = join(dir, set);
      const inputs = filesOf(at, 'input').map((file) => readTensorFile(join(at, file)));
      // The files belong to all inputs, or to those that have no default.
      const defaults = new Set(graph.initializers.map((tensor) => tensor.name));
      const open = graph.inputs.filter((input) => !defaults.has(input.name));
      const named = inputs.length === open.length ? open : graph.inputs;
      const given = Object.fromEntries(inputs.map((tensor, i) => [named[i]?.name ?? '', tensor]));
      const outputs = Object.values(run(bytes, given, through));
      for (const [i, file] of filesOf(at, 'output').entries()) {
        const difference = compare(outputs[i] as HostTensor, readTensorFile(join(at, file)), i);
        if (difference) return { status: 'wrong', why: `${file}: ${difference}` };
      }
    }
    return { status: 'pass', why: '' };
  } catch (error) {
    if (error instanceof QcError) return { status: 'refused', why: error.message };
    throw error;
  }
}

/** Runs a model; where its structure depends on inputs (shapes, axes, scales), with those fixed at import. */
function run(bytes: Uint8Array, inputs: Tensors, through: Through): Record<string, HostTensor> {
  try {
    return interpret(through(importOnnx(bytes, { registry })), inputs);
  } catch (error) {
    if (!(error instanceof QcError) || !error.message.includes('depends on data')) throw error;
    const isData = ([name, tensor]: [string, HostTensor]) =>
      tensor.dtype.startsWith('f') && tensor.shape.length > 0 && name !== 'scales';
    const constants = Object.fromEntries(Object.entries(inputs).filter((entry) => !isData(entry)));
    const data = Object.fromEntries(Object.entries(inputs).filter(isData));
    return interpret(through(importOnnx(bytes, { registry, constants })), data);
  }
}

/** Bit patterns of f16 as numbers, so that any NaN equals any other. */
function numbersOf({ dtype, data }: HostTensor): number[] {
  const numbers = Array.from(data as unknown as Iterable<number | bigint>, Number);
  return dtype === 'f16' ? numbers.map(decodeF16) : dtype === 'bf16' ? numbers.map(decodeBf16) : numbers;
}

/** ONNX's own comparison: the same type and shape, and |a − e| ≤ atol + 1e-3·|e|. Undefined: they agree. */
export function compareTensors(actual: HostTensor, expected: HostTensor, atol = 1e-7): string | undefined {
  if (actual.dtype !== expected.dtype) return `${actual.dtype}, not ${expected.dtype}`;
  if (actual.shape.join() !== expected.shape.join()) return `shape [${actual.shape}], not [${expected.shape}]`;
  const [got, wanted] = [numbersOf(actual), numbersOf(expected)];
  for (let i = 0; i < wanted.length; i++) {
    const [a, e] = [got[i] as number, wanted[i] as number];
    if (a === e || (Number.isNaN(a) && Number.isNaN(e))) continue;
    if (!(Math.abs(a - e) <= atol + 1e-3 * Math.abs(e))) return `element ${i} is ${a}, not ${e}`;
  }
  return undefined;
}

export const suite = '../shared/conformance/onnx';
export const suitePresent = existsSync(suite);
