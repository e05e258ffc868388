import { QcError } from '../../support/diagnostics.ts';

interface OtherFormat {
  readonly name: string;
  readonly offset: number;
  readonly magic: string;
  readonly help: string;
}

// Files that are given for a model by mistake, by the characters that they begin with.
const otherFormats: readonly OtherFormat[] = [
  {
    name: 'a Git LFS pointer',
    offset: 0,
    magic: 'version https://git-lfs',
    help: 'fetch the file itself with `git lfs pull`',
  },
  {
    name: 'a TensorFlow Lite model',
    offset: 4,
    magic: 'TFL3',
    help: 'convert it to ONNX first, for example with tf2onnx',
  },
  {
    name: 'a model in ONNX Runtime’s own format',
    offset: 4,
    magic: 'ORTM',
    help: 'give the .onnx file it was made from',
  },
  {
    name: 'a zip archive',
    offset: 0,
    magic: 'PK\x03\x04',
    help: 'unpack it; a PyTorch checkpoint is exported with torch.onnx.export',
  },
  {
    name: 'an HDF5 file',
    offset: 0,
    magic: '\x89HDF',
    help: 'convert the Keras model to ONNX first, for example with tf2onnx',
  },
  { name: 'a GGUF model', offset: 0, magic: 'GGUF', help: 'give the ONNX export of the model' },
  { name: 'a PNG image', offset: 0, magic: '\x89PNG', help: 'give a .onnx file' },
  {
    name: 'a NumPy array',
    offset: 0,
    magic: '\x93NUMPY',
    help: 'give a .onnx file; arrays go to --input or --calibrate',
  },
  { name: 'a web page', offset: 0, magic: '<!DOCTYPE', help: 'download the raw file instead of the page about it' },
];

/** Refuses files that are known to be something else. @throws QcError that says what the file is. */
export function refuseOtherFormats(bytes: Uint8Array): void {
  for (const { name, offset, magic, help } of otherFormats) {
    const start = String.fromCharCode(...bytes.subarray(offset, offset + magic.length));
    if (start === magic) throw new QcError({ what: `this is not an ONNX model: it is ${name}`, help });
  }
}
