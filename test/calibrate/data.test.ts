import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  applyInputFormat,
  type DataFiles,
  type InputSignature,
  loadDataset,
  parseInputFormat,
  readNpy,
  readNpz,
  writeNpy,
  writeNpz,
} from '../../src/calibrate/data/index.ts';
import { QcError } from '../../src/support/diagnostics.ts';
import { type DType, type HostTensor, typedArrayOf } from '../../src/support/tensor.ts';

const models = '../shared/models';
const data = '../shared/data';

const image: InputSignature = { name: 'input', dtype: 'f32', shape: ['N', 2, 2, 3] };

/** Values 0, 1, 2, … in a shape. */
function counting(dtype: DType, shape: readonly number[]): HostTensor {
  const size = shape.reduce((product, dim) => product * dim, 1);
  const array = new (typedArrayOf(dtype))(size);
  if (array instanceof BigInt64Array || array instanceof BigUint64Array)
    array.set(Array.from(array, (_, i) => BigInt(i)));
  else array.set(Array.from(array, (_, i) => i));
  return { dtype, shape, data: array };
}

/** Files in memory; a folder is whatever files lie below it. */
function memory(files: Record<string, Uint8Array>): DataFiles {
  return {
    readFile: (path) => {
      const bytes = files[path];
      if (!bytes) throw new QcError({ what: 'no such file', where: path });
      return bytes;
    },
    listFolder: (path) => {
      const names = Object.keys(files).filter((name) => name.startsWith(`${path}/`));
      return names.length > 0 ? names.map((name) => name.slice(path.length + 1)) : undefined;
    },
  };
}

/** A .npy file with a given header text. */
function npyFile(header: string, body: Uint8Array, version = 1): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  return Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, ...length, ...text, ...body);
}

describe('NumPy files', () => {
  it.each<[DType, number[]]>([
    ['f64', [2, 3]],
    ['f32', [4]],
    ['f16', [2]],
    ['i64', [3]],
    ['u64', [3]],
    ['i32', []],
    ['u32', [1, 1]],
    ['i16', [0, 3]],
    ['u16', [5]],
    ['i8', [7]],
    ['u8', [2, 2]],
    ['i1', [2]],
  ])('round-trips %s %j', (dtype, shape) => {
    const tensor = counting(dtype, shape);
    expect(readNpy(writeNpy(tensor), 'a.npy')).toEqual(tensor);
  });

  it('reads versions 2 and 3, big-endian numbers and complex ones', () => {
    const header = "{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }\n";
    for (const version of [1, 2, 3]) {
      expect([...readNpy(npyFile(header, Uint8Array.of(1, 2, 255, 255), version), 'a').data]).toEqual([258, -1]);
    }
    const complex = "{'descr': '<c8', 'fortran_order': False, 'shape': (), }";
    expect([...readNpy(npyFile(complex, Uint8Array.of(0, 0, 128, 63, 0, 0, 0, 64)), 'a').data]).toEqual([1, 2]);
  });

  it.each([
    ['<f4', 'True', '(2, 2)', 16, /Fortran order/],
    ['<f4', 'False', '(2, 2)', 12, /does not fit its shape/],
    ['<f4', 'False', '(99999999999, 99999999999)', 4, /does not fit its shape/],
    ['<U4', 'False', '(1,)', 16, /not a number type/],
    ['|O', 'False', '(1,)', 16, /not a number type/],
    ['<f4', 'Maybe', '(1,)', 4, /header cannot be read/],
  ])('refuses %s, Fortran %s, shape %s with %i bytes', (descr, fortran, shape, size, message) => {
    const header = `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;
    const read = () => readNpy(npyFile(header, new Uint8Array(size)), 'a.npy');
    expect(read).toThrow(QcError);
    expect(read).toThrow(message);
  });

  it('accepts Fortran order where it is the same as C order', () => {
    const header = "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2, 1), }";
    expect(readNpy(npyFile(header, new Uint8Array(8)), 'a.npy').shape).toEqual([1, 2, 1]);
  });

  it('refuses every truncation', () => {
    const bytes = writeNpy(counting('f32', [3]));
    for (let length = 0; length < bytes.length; length++) {
      expect(() => readNpy(bytes.subarray(0, length), 'a.npy')).toThrow(QcError);
    }
    const archive = writeNpz(new Map([['x', counting('f32', [3])]]));
    for (let length = 0; length < archive.length; length++) {
      expect(() => readNpz(archive.subarray(0, length), 'a.npz')).toThrow(QcError);
    }
  });

  it('round-trips archives, equal ones to equal bytes', () => {
    const arrays = new Map([
      ['model/input:0', counting('u8', [2, 3])],
      ['ids', counting('i64', [4])],
    ]);
    expect(readNpz(writeNpz(arrays), 'a.npz')).toEqual(arrays);
    expect(writeNpz(arrays)).toEqual(writeNpz(arrays));
  });
});

describe('input formats', () => {
  const inputs: InputSignature[] = [image, { name: 'input:0', dtype: 'f32', shape: [1, 3, 2, 2] }];

  it('parses scale and offset, fractions, lists and names with colons', () => {
    expect(parseInputFormat('input:u8,scale=1/127.5,offset=-1', inputs)).toEqual({
      input: 'input',
      dtype: 'u8',
      scale: [1 / 127.5],
      offset: [-1],
      layout: 'model',
    });
    expect(parseInputFormat('input:0:u8,mean=1,2,3,std=2,layout=nhwc', inputs)).toEqual({
      input: 'input:0',
      dtype: 'u8',
      scale: [0.5, 0.5, 0.5].slice(0, 1),
      offset: [-0.5, -1, -1.5],
      layout: 'nhwc',
    });
    expect(parseInputFormat('input:u8', inputs)).toMatchObject({ scale: [1], offset: [0] });
  });

  it.each([
    ['inptu:u8', /no input 'inptu'/],
    ['input', /no NAME:TYPE/],
    ['input:string', /no type that a caller can pass/],
    ['input:u8,gain=2', /no key/],
    ['input:u8,scale=two', /no number/],
    ['input:u8,scale=1/0', /no number/],
    ['input:u8,std=0', /std is 0/],
    ['input:u8,mean=1,offset=2', /together/],
    ['input:u8,mean=1,2,std=1,2,3', /different lengths/],
    ['input:u8,layout=chw', /layout 'chw'/],
  ])('refuses %s', (text, message) => {
    expect(() => parseInputFormat(text, inputs)).toThrow(message);
    expect(() => parseInputFormat(text, inputs)).toThrow(QcError);
  });

  it('rounds each step to f32', () => {
    const format = parseInputFormat('input:u8,scale=1/127.5,offset=-1', inputs);
    const { data: values } = applyInputFormat(format, counting('u8', [1, 256]));
    const scale = Math.fround(1 / 127.5);
    expect([...values]).toEqual(Array.from({ length: 256 }, (_, v) => Math.fround(Math.fround(v * scale) - 1)));
  });

  it('applies channel values and turns NHWC into NCHW', () => {
    const format = parseInputFormat('input:0:u8,offset=100,200,300,layout=nhwc', inputs);
    const { shape, data: values } = applyInputFormat(format, counting('u8', [1, 1, 2, 3]));
    expect(shape).toEqual([1, 3, 1, 2]);
    expect([...values]).toEqual([100, 103, 201, 204, 302, 305]);
  });

  it('refuses channel values that no axis has', () => {
    const format = parseInputFormat('input:u8,offset=1,2', inputs);
    expect(() => applyInputFormat(format, counting('u8', [1, 4, 4, 3]))).toThrow(/2 channel values do not fit/);
  });
});

describe('datasets', () => {
  const load = (shape: number[], input: InputSignature = image, dtype: DType = input.dtype) =>
    loadDataset(['a.npy'], [input], memory({ 'a.npy': writeNpy(counting(dtype, shape)) }));

  it('takes [S] + the shape, or S in place of a leading 1 or symbol, but for axes of one element', () => {
    for (const [shape, input, sample] of [
      [[5, 2, 2, 3], image, [1, 2, 2, 3]],
      [[5, 4, 2, 2, 3], image, [4, 2, 2, 3]],
      [[5, 7], { name: 'x', dtype: 'f32', shape: [1, 7] }, [1, 7]],
      [[5, 1, 7], { name: 'x', dtype: 'f32', shape: [1, 7] }, [1, 7]],
      [[5, 2, 1, 7], { name: 's', dtype: 'f32', shape: [2, 1, 7] }, [2, 1, 7]],
      [[5], { name: 's', dtype: 'f32', shape: [] }, []],
      // Axes of one element may be left out, or more.
      [[5, 2, 3], { name: 'g', dtype: 'f32', shape: ['N', 2, 3, 1] }, [1, 2, 3, 1]],
      [[5, 2, 1, 3], { name: 'g', dtype: 'f32', shape: [1, 2, 3] }, [1, 2, 3]],
    ] as [number[], InputSignature, number[]][]) {
      const dataset = load(shape, input);
      expect(dataset.length).toBe(5);
      expect(dataset.sample(2)[input.name]?.shape).toEqual(sample);
      const size = sample.reduce((product, dim) => product * dim, 1);
      expect(dataset.sample(2)[input.name]?.data[0]).toBe(2 * size);
    }
  });

  it('shows both shapes when they do not fit', () => {
    for (const shape of [[5, 2, 2, 4], [5, 2, 3, 2], [2, 2, 3], [5], [], [1, 1, 5, 2, 2, 3]]) {
      expect(() => load(shape)).toThrow(`[${shape.join(', ')}]`);
      expect(() => load(shape)).toThrow('[N, 2, 2, 3]');
      expect(() => load(shape)).toThrow(QcError);
    }
    expect(() => load([0, 2, 2, 3])).toThrow(/no samples/);
  });

  it('widens integers and refuses what could lose or misread values', () => {
    const ids: InputSignature = { name: 'ids', dtype: 'i64', shape: ['B', 'T'] };
    const { data: values } = load([3, 4], ids, 'i32').sample(1).ids ?? counting('i64', [0]);
    expect(values).toEqual(BigInt64Array.of(4n, 5n, 6n, 7n));
    expect(() => load([3, 4], ids, 'f32')).toThrow(/samples are f32, input 'ids' takes i64/);
    expect(() => load([5, 2, 2, 3], image, 'f64')).toThrow(/save the samples as f32/);
    expect(() => load([5, 2, 2, 3], image, 'u8')).toThrow(/--input-format input:u8/);
  });

  it('applies an input format to its input', () => {
    const formats = [parseInputFormat('input:u8,scale=1/255', [image])];
    const files = memory({ 'a.npy': writeNpy(counting('u8', [3, 2, 2, 3])) });
    const dataset = loadDataset(['a.npy'], [image], files, { formats, limit: 2 });
    expect([...dataset].length).toBe(2);
    const { data: values } = dataset.sample(1).input ?? counting('f32', [0]);
    expect(values[3]).toBe(Math.fround(15 * Math.fround(1 / 255)));
    const floats = memory({ 'a.npy': writeNpy(counting('f32', [3, 2, 2, 3])) });
    expect(() => loadDataset(['a.npy'], [image], floats, { formats })).toThrow(/are f32, the input format says u8/);
  });

  const two: InputSignature[] = [
    { name: 'ids', dtype: 'i64', shape: ['B', 'T'] },
    { name: 'mask', dtype: 'i64', shape: ['B', 'T'] },
  ];
  const archive = (ids: number[], mask: number[]) =>
    writeNpz(
      new Map([
        ['ids', counting('i64', ids)],
        ['mask', counting('i64', mask)],
        ['labels', counting('i32', [9])],
      ]),
    );

  it('reads archives, NAME=FILE and folders alike', () => {
    const files = memory({
      'all.npz': archive([3, 4], [3, 4]),
      'ids.npy': writeNpy(counting('i64', [3, 4])),
      'b/10.npz': archive([1, 4], [1, 4]),
      'b/02.npz': archive([1, 2], [1, 2]),
      'b/notes.txt': new Uint8Array(1),
      'c/0.npy': writeNpy(counting('i64', [1, 4])),
      'c/1.npy': writeNpy(counting('i64', [1, 4])),
      'c/2.npy': writeNpy(counting('i64', [1, 4])),
    });
    const fromArchive = loadDataset(['all.npz'], two, files);
    expect(fromArchive.inputs).toEqual(['ids', 'mask']);
    expect([...loadDataset(['ids=ids.npy', 'mask=ids.npy'], two, files)]).toEqual([...fromArchive]);
    const folder = loadDataset(['b'], two, files);
    expect([...folder].map((sample) => sample.mask?.shape)).toEqual([
      [1, 2],
      [1, 4],
    ]);
    expect(loadDataset(['ids=ids.npy', 'mask=c'], two, files).length).toBe(3);
  });

  it.each<[string[], RegExp]>([
    [['ids.npy'], /2 inputs and the data is one array/],
    [['ids=ids.npy'], /no samples are given for input 'mask'/],
    [['idz=ids.npy'], /did you mean 'ids'/],
    [['all.npz', 'ids=ids.npy'], /'ids' has two sources/],
    [['ids=ids.npy', 'mask=four.npy'], /'ids' has 3 samples and 'mask' has 4/],
    [['ids=ids.npy', 'mask=wide.npy'], /'T' is 4 in input 'ids' and 6 in 'mask'/],
    [['other.npz'], /no array named like an input/],
    [['ids=all.npz'], /names its arrays itself/],
    [['mixed'], /mixes/],
    [['text'], /no samples/],
    [['photo.jpg'], /neither a .npy nor a .npz/],
    [['many'], /holds 3 samples/],
    [['absent.npy', 'x'], /2 inputs/],
  ])('refuses %j', (sources, message) => {
    const files = memory({
      'ids.npy': writeNpy(counting('i64', [3, 4])),
      'four.npy': writeNpy(counting('i64', [4, 4])),
      'wide.npy': writeNpy(counting('i64', [3, 6])),
      'all.npz': archive([3, 4], [3, 4]),
      'other.npz': writeNpz(new Map([['x', counting('i64', [3])]])),
      'mixed/0.npy': writeNpy(counting('i64', [1, 4])),
      'mixed/1.npz': archive([1, 4], [1, 4]),
      'text/a.txt': new Uint8Array(1),
      'many/0.npz': archive([3, 4], [3, 4]),
    });
    const run = () => [...loadDataset(sources, two, files)];
    expect(run).toThrow(message);
    expect(run).toThrow(QcError);
  });
});

describe.skipIf(!existsSync(data))('arrays in ../shared/data (skipped when the folder is absent)', () => {
  it.each([
    ['imagenet/calib_images.npy', 'u8', [100, 128, 128, 3]],
    ['cifar10/dev_images.npy', 'u8', [2000, 32, 32, 3]],
    ['cifar10/dev_labels.npy', 'i32', [2000]],
    ['silero/dev_frames.npy', 'f32', [2, 500, 512]],
    ['rxnmapper/calib_input_ids.npy', 'i64', [40, 256]],
    ['ad01/dev_vectors.npy', 'f32', [10, 640]],
  ])('%s is %s %j', (file, dtype, shape) => {
    expect(readNpy(readFileSync(join(data, file)), file)).toMatchObject({ dtype, shape });
  });
});

describe.skipIf(!existsSync(models))('samples in ../shared/models (skipped when the folder is absent)', () => {
  const typeNames: Record<string, DType> = { float32: 'f32', int64: 'i64' };
  const folders = existsSync(models) ? readdirSync(models).filter((name) => name.endsWith('.io')) : [];

  it.each(folders)('%s holds what its manifest says', (folder) => {
    const manifest = JSON.parse(readFileSync(join(models, folder, 'manifest.json'), 'utf8'));
    for (const { file, inputs, outputs } of manifest.samples) {
      const arrays = readNpz(readFileSync(join(models, folder, file)), file);
      for (const { key, type, dims } of [...inputs, ...outputs]) {
        expect(arrays.get(key)).toMatchObject({ dtype: typeNames[type], shape: dims });
      }
    }
  });

  it.skipIf(!existsSync(data))('the first CIFAR-10 image becomes the model input of the sample', () => {
    const signature: InputSignature = { name: 'input', dtype: 'f32', shape: ['N', 32, 32, 3] };
    const files: DataFiles = { readFile: (path) => readFileSync(path), listFolder: () => undefined };
    const dataset = loadDataset([join(data, 'cifar10/dev_images.npy')], [signature], files, {
      formats: [parseInputFormat('input:u8', [signature])],
    });
    for (const index of [0, 1]) {
      const file = join(models, 'resnet8_cifar10.io', `sample${index}.npz`);
      expect(dataset.sample(index).input?.data).toEqual(readNpz(readFileSync(file), file).get('in.input')?.data);
    }
  });
});
