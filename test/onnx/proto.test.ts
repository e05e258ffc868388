import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { externalDataBeside } from '../../src/cli/externalData.ts';
import {
  decodeModel,
  decodeTensorFile,
  encodeModel,
  encodeTensorFile,
  type GraphProto,
  hostTensor,
  type ModelProto,
  readTensor,
  type TensorProto,
  tensorInfo,
  tensorProto,
} from '../../src/onnx/proto/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import type { ExternalFile } from '../../src/support/externalFile.ts';

const models = '../shared/models';
const conformance = '../shared/conformance';

/** A model y = Relu(x + w) with everything a decoder meets: attributes, a subgraph, symbols, metadata. */
function tinyModel(initializers: readonly TensorProto[]): ModelProto {
  const graph = (nodes: GraphProto['nodes'], tensors: readonly TensorProto[]): GraphProto => ({
    name: 'g',
    nodes,
    initializers: tensors,
    sparseInitializers: [],
    inputs: [tensorInfo('x', 'f32', ['N', 2])],
    outputs: [tensorInfo('y', 'f32', ['N', 2])],
    valueInfos: [],
  });
  const node = (opType: string, attributes: GraphProto['nodes'][number]['attributes'] = []) => ({
    name: `${opType}_0`,
    opType,
    domain: '',
    overload: '',
    inputs: ['x', ''],
    outputs: ['y'],
    attributes,
  });
  return {
    irVersion: 8,
    producerName: 'test',
    producerVersion: '1',
    domain: '',
    modelVersion: -3n,
    opsetImports: [{ domain: '', version: 17 }],
    graph: graph(
      [
        node('If', [
          { name: 'then_branch', type: 'graph', value: graph([node('Relu')], []) },
          { name: 'f', type: 'float', value: 0.5 },
          { name: 'i', type: 'int', value: -(2n ** 63n) },
          { name: 'max', type: 'int', value: 2n ** 63n - 1n },
          { name: 's', type: 'string', value: new TextEncoder().encode('NOTSET') },
          { name: 'is', type: 'ints', value: [-1n, 0n, 300n, 2n ** 40n] },
          { name: 'fs', type: 'floats', value: [1.5, -0.25] },
          { name: 'none', type: 'ints', value: [] },
        ]),
      ],
      initializers,
    ),
    functions: [],
    metadata: [{ key: 'k', value: 'ü' }],
  };
}

/** Decodes a model and reads every initializer, as an importer does. */
function readAll(path: string): ModelProto {
  const model = decodeModel(readFileSync(path));
  for (const tensor of model.graph.initializers) hostTensor(readTensor(tensor), externalDataBeside(path));
  return model;
}

function refusal(action: () => unknown): QcError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(QcError);
    return error as QcError;
  }
  throw new Error('nothing was refused');
}

function opCounts(model: ModelProto): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { opType } of model.graph.nodes) counts[opType] = (counts[opType] ?? 0) + 1;
  return counts;
}

describe('protobuf', () => {
  const bytes = encodeModel(tinyModel([tensorProto('w', { dtype: 'f32', shape: [2], data: Float32Array.of(1, 2) })]));

  it('reads back what it writes', () => {
    const model = decodeModel(bytes);
    expect(encodeModel(model)).toEqual(bytes);
    const [node] = model.graph.nodes;
    expect(node?.attributes.slice(1).map(({ value }) => value)).toEqual(
      tinyModel([])
        .graph.nodes[0]?.attributes.slice(1)
        .map(({ value }) => value),
    );
    expect(model.graph.inputs[0]?.type).toEqual({ kind: 'tensor', dtype: 'f32', shape: ['N', 2] });
    expect(model.modelVersion).toBe(-3n);
    expect(model.metadata).toEqual([{ key: 'k', value: 'ü' }]);
  });

  it('keeps raw data where it lies in the file', () => {
    const [tensor] = decodeModel(bytes).graph.initializers;
    expect(tensor?.rawData?.buffer).toBe(bytes.buffer);
  });

  it('answers a cut file with a QcError, wherever it is cut', () => {
    for (let length = 0; length < bytes.length - 1; length++) {
      const part = bytes.subarray(0, length);
      try {
        decodeModel(part);
      } catch (error) {
        expect(error).toBeInstanceOf(QcError);
      }
    }
    expect(refusal(() => decodeModel(bytes.subarray(0, 60))).message).toMatch(/truncated .*at byte \d+/);
  });

  it('never fails otherwise than with a QcError on damaged bytes', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length - 1), fc.nat(255), (i, a, j, b) => {
        const damaged = bytes.slice();
        damaged[i] = a;
        damaged[j] = b;
        try {
          for (const tensor of decodeModel(damaged).graph.initializers) hostTensor(readTensor(tensor));
        } catch (error) {
          if (!(error instanceof QcError)) throw error;
        }
      }),
      { numRuns: 3000, seed: 1 },
    );
  });

  it('refuses nesting without end', () => {
    let type = new Uint8Array(0);
    const wrap = (field: number, inner: Uint8Array): Uint8Array<ArrayBuffer> => {
      const length = inner.length;
      const size = length < 128 ? [length] : [(length & 127) | 128, length >> 7];
      return Uint8Array.from([field * 8 + 2, ...size, ...inner]);
    };
    for (let depth = 0; depth < 200; depth++) type = wrap(4, wrap(1, type));
    const model = wrap(7, wrap(11, wrap(2, type)));
    expect(refusal(() => decodeModel(model)).message).toMatch(/nested/);
  });

  it('refuses groups, field 0 and wrong wire types', () => {
    for (const [tag, reason] of [
      [0x0b, /groups/],
      [0x00, /field number 0/],
      [0x3d, /field 7 is encoded as 32-bit/],
    ] as const) {
      expect(refusal(() => decodeModel(Uint8Array.of(8, 8, tag, 0, 0, 0, 0, 0, 0, 0))).message).toMatch(reason);
    }
  });

  it.each([
    ['PK\x03\x04archive', /zip archive/],
    ['\x1c\x00\x00\x00TFL3', /TensorFlow Lite/],
    ['version https://git-lfs.github.com/spec/v1', /git lfs pull/],
    ['just some text that is no model', /not an ONNX model/],
  ])('says what %j is', (text, message) => {
    expect(refusal(() => decodeModel(Uint8Array.from(text, (c) => c.charCodeAt(0)))).message).toMatch(message);
  });
});

describe('tensors', () => {
  it('unpacks 4-bit and 2-bit elements, the first in the lowest bits', () => {
    const bytes = Uint8Array.of(0x81, 0x7f, 0x0c);
    const proto = { name: 'w', dims: [5n], dataType: 22, rawData: bytes, packed: new Map(), stringData: [] };
    expect([...hostTensor(readTensor(proto)).data]).toEqual([1, -8, -1, 7, -4]);
    expect([...hostTensor(readTensor({ ...proto, dataType: 21 })).data]).toEqual([1, 8, 15, 7, 12]);
    const two = { ...proto, dims: [4n], dataType: 26, rawData: Uint8Array.of(0b00_11_10_01) };
    expect([...hostTensor(readTensor(two)).data]).toEqual([1, -2, -1, 0]);
    const back = tensorProto('w', { dtype: 'i4', shape: [5], data: Int8Array.of(1, -8, -1, 7, -4) });
    expect(back.rawData).toEqual(bytes);
  });

  it('reads typed data fields, packed or one by one', () => {
    // int32_data = [-1, 2] one by one (field 5, varint), int8, dims [2].
    const unpacked = Uint8Array.of(8, 2, 16, 3, 40, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 40, 2);
    expect([...hostTensor(readTensor(decodeTensorFile(unpacked))).data]).toEqual([-1, 2]);
    const packed = Uint8Array.of(8, 2, 16, 3, 42, 11, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2);
    expect([...hostTensor(readTensor(decodeTensorFile(packed))).data]).toEqual([-1, 2]);
    const tooFew = Uint8Array.of(8, 3, 16, 3, 42, 2, 1, 2);
    expect(refusal(() => readTensor(decodeTensorFile(tooFew))).message).toMatch(/3 values are needed/);
    const tooLarge = Uint8Array.of(8, 1, 16, 3, 42, 2, 0x80, 0x04);
    expect(refusal(() => readTensor(decodeTensorFile(tooLarge))).message).toMatch(/512 does not fit into 8 bits/);
  });

  it('refuses negative dimensions by name', () => {
    const proto = { name: 'conv.w', dims: [-1n], dataType: 1, packed: new Map(), stringData: [] };
    const { diagnostic } = refusal(() => readTensor(proto));
    expect(diagnostic.where).toBe("tensor 'conv.w'");
    expect(diagnostic.what).toMatch(/negative/);
  });

  it('round-trips a .pb file', () => {
    const tensor = { dtype: 'i64', shape: [3], data: BigInt64Array.of(-1n, 2n ** 62n, 0n) } as const;
    const read = hostTensor(readTensor(decodeTensorFile(encodeTensorFile(tensorProto('t', tensor)))));
    expect(read).toEqual(tensor);
  });

  it('refuses external files that lead out of the folder', () => {
    const folder = mkdtempSync(join(tmpdir(), 'qc-external-'));
    try {
      const inner = join(folder, 'model');
      mkdirSync(inner);
      writeFileSync(join(folder, 'outside.bin'), new Uint8Array(8));
      writeFileSync(join(inner, 'w.bin'), Uint8Array.of(1, 2));
      linkSync(join(folder, 'outside.bin'), join(inner, 'hard.bin'));
      symlinkSync('../outside.bin', join(inner, 'symbolic.bin'));
      symlinkSync('w.bin', join(inner, 'alias.bin'));
      const read = externalDataBeside(join(inner, 'model.onnx'));
      expect(refusal(() => read('hard.bin')).message).toMatch(/hard link/);
      expect(refusal(() => read('symbolic.bin')).message).toMatch(/leads out of the folder/);
      expect(refusal(() => read('../outside.bin')).message).toMatch(/leads out of the folder/);
      const alias = read('alias.bin') as ExternalFile;
      expect(alias.read(1, 1)).toEqual(Uint8Array.of(2));
      writeFileSync(join(inner, 'w.bin'), Uint8Array.of(1));
      expect(refusal(() => alias.read(1, 1)).message).toMatch(/become shorter than its 2 bytes/);
      expect(read('absent.bin')).toBeUndefined();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe.skipIf(!existsSync(models))('models in ../shared/models (skipped when the folder is absent)', () => {
  const files = existsSync(models) ? readdirSync(models).filter((file) => file.endsWith('.onnx')) : [];

  it.each(files)('%s decodes, its tensors too, and encodes to the same model', (file) => {
    const model = readAll(join(models, file));
    expect(model.graph.nodes.length).toBeGreaterThan(0);
    const again = encodeModel(model);
    expect(Buffer.compare(encodeModel(decodeModel(again)), again)).toBe(0);
    expect(opCounts(decodeModel(again))).toEqual(opCounts(model));
  });

  // Counts: the table in ../shared/models/README.md.
  it.each([
    ['mbnet128_0.25_f.onnx', { Conv: 28, Clip: 27, Pad: 4 }],
    ['resnet8_cifar10.onnx', { Conv: 9, Relu: 7, Add: 3 }],
    ['mnist_resnet_f.onnx', { Conv: 4, Relu: 2, Add: 1, Transpose: 2 }],
    ['yolox_nano_416.onnx', { Conv: 113, Sigmoid: 110, Mul: 104, Concat: 18, Slice: 8 }],
    ['rxnmapper_albert.onnx', { MatMul: 99, Add: 126, LayerNormalization: 26, Erf: 13 }],
    ['ad01_fp32.onnx', { Gemm: 10, Relu: 9, Identity: 1 }],
    ['ultraface_RFB_320.onnx', { Conv: 52, BatchNormalization: 35, Relu: 37 }],
  ])('%s has the documented operators', (file, expected) => {
    expect(opCounts(decodeModel(readFileSync(join(models, file))))).toMatchObject(expected);
  });
});

describe.skipIf(!existsSync(conformance))('../shared/conformance (skipped when the folder is absent)', () => {
  const malformed = join(conformance, 'malformed');
  const cases: { id: string; expect: string }[] = existsSync(malformed)
    ? JSON.parse(readFileSync(join(malformed, 'cases.json'), 'utf8'))
    : [];
  // What is wrong with these shows in the file's bytes; the others are the importer's to refuse.
  const protoCases: Record<string, RegExp> = {
    ext_dotdot: /leaves the folder/,
    ext_backslash: /backslash/,
    ext_absolute: /absolute/,
    // A copy without links holds a short file there; a real link is tested above.
    ext_symlink: /leads out of the folder|too short/,
    ext_offset_past_end: /too short/,
    ext_negative: /'-8'/,
    ext_attr_injection: /does not fit its shape|is no size/,
    raw_misaligned: /does not fit its shape/,
    int4_short: /does not fit its shape/,
    dims_overflow: /too large/,
    dims_huge: /does not fit its shape|too large/,
    two_payloads: /more than once/,
    dtype_undefined: /element type 0/,
    dtype_unknown: /element type 99/,
    truncated: /truncated/,
    empty: /empty/,
    not_protobuf: /PNG/,
    varint_overlong: /more than 64 bits/,
    no_graph: /no graph/,
    opset_negative: /version -1/,
    ir_future: /IR version 2147483648/,
  };

  it.each(Object.entries(protoCases))('%s is refused within a second', (id, message) => {
    const start = performance.now();
    const error = refusal(() => readAll(join(malformed, id, 'model.onnx')));
    expect(performance.now() - start).toBeLessThan(1000);
    expect(error.message).toMatch(message);
  });

  it.each(cases.filter(({ id }) => !(id in protoCases)).map(({ id }) => id))('%s decodes', (id) => {
    expect(readAll(join(malformed, id, 'model.onnx')).graph.outputs.length).toBeGreaterThan(0);
  });

  it.each(['control_external', 'control_external_subdir', 'control_external_dots'])('%s reads its data', (id) => {
    const path = join(malformed, id, 'model.onnx');
    const [tensor] = decodeModel(readFileSync(path)).graph.initializers;
    if (!tensor) throw new Error('no initializer');
    const { shape, data } = hostTensor(readTensor(tensor), externalDataBeside(path));
    expect(data.length).toBe(shape.reduce((product, dim) => product * dim, 1));
  });

  it('every model and tensor file of the ONNX suite decodes', () => {
    const suites = join(conformance, 'onnx');
    const files = readdirSync(suites, { recursive: true, encoding: 'utf8' });
    let models = 0;
    let tensors = 0;
    for (const file of files.filter((name) => name.endsWith('.onnx'))) {
      const { inputs, outputs } = readAll(join(suites, file)).graph;
      models++;
      const folder = dirname(join(suites, file));
      for (const set of readdirSync(folder).filter((name) => name.startsWith('test_data_set_'))) {
        for (const data of readdirSync(join(folder, set))) {
          const [, kind, index] = /^(input|output)_(\d+)\.pb$/.exec(data) ?? [];
          const type = (kind === 'input' ? inputs : outputs)[Number(index)]?.type;
          // Sequences and optionals are stored as other messages.
          if (type?.kind !== 'tensor') continue;
          const tensor = readTensor(decodeTensorFile(readFileSync(join(folder, set, data))));
          expect(tensor.dtype).toBe(type.dtype);
          if (tensor.data.kind === 'bytes') hostTensor(tensor);
          tensors++;
        }
      }
    }
    expect(models).toBe(1154);
    expect(tensors).toBeGreaterThan(3500);
  }, 60_000);
});
