import { decodeF16, encodeF16 } from '../../../src/numerics/floats.ts';
import { generator } from '../../../src/text/index.ts';
import { type GgufTensor, gguf } from './gguf.ts';

// A decoder of one layer that does next to nothing but multiply a row by matrices of one size: channels, heads together,
// hidden channels and tokens are equally many, and scores come of the table of tokens.

const [group, blockBytes] = [32, 18];
const headSize = 128;
const epsilon = 1e-5;

/** The matrices of a token, in the order of their seeds. */
const matrices = {
  tokens: 'token_embd',
  queries: 'blk.0.attn_q',
  keys: 'blk.0.attn_k',
  values: 'blk.0.attn_v',
  heads: 'blk.0.attn_output',
  gate: 'blk.0.ffn_gate',
  up: 'blk.0.ffn_up',
  down: 'blk.0.ffn_down',
} as const;

type MatrixName = keyof typeof matrices;

/** Products of a row with a matrix that a token takes. */
export const productsOfToken = Object.keys(matrices).length;

/** Random codes around 8, which stands for 0, and scales with which products keep the size of what they read. */
function randomMatrix(channels: number, seed: number): Uint8Array {
  const next = generator(seed);
  const blocks = (channels * channels) / group;
  const bytes = new Uint8Array(blocks * blockBytes);
  const view = new DataView(bytes.buffer);
  const levels = 15;
  const code = () => 1 + Math.floor(next() * levels);
  const scale = 1 / Math.sqrt((channels * levels ** 2) / 12);
  for (let at = 0; at < bytes.length; at += blockBytes) {
    for (let i = 2; i < blockBytes; i++) bytes[at + i] = code() | (code() << 4);
    view.setUint16(at, encodeF16((0.5 + next()) * scale), true);
  }
  return bytes;
}

/** Row `row` as numbers: codes i and i + 16 of a block share a byte. */
function rowOf(matrix: Uint8Array, row: number, channels: number): Float64Array {
  const view = new DataView(matrix.buffer);
  const numbers = new Float64Array(channels);
  const first = (row * channels * blockBytes) / group;
  for (let block = 0; block < channels / group; block++) {
    const at = first + block * blockBytes;
    const scale = decodeF16(view.getUint16(at, true));
    for (let i = 0; i < group / 2; i++) {
      const byte = matrix[at + 2 + i] as number;
      numbers[block * group + i] = scale * ((byte & 15) - 8);
      numbers[block * group + i + group / 2] = scale * ((byte >> 4) - 8);
    }
  }
  return numbers;
}

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

function normalized(x: Float64Array): Float64Array {
  const size = Math.sqrt(dot(x, x) / x.length + epsilon);
  return x.map((value) => value / size);
}

export interface ProductsModel {
  readonly bytes: Uint8Array;
  /** Scores of what follows a token that stands alone, in f64. */
  scores(token: number): Float64Array;
}

/** The decoder as a file for llama.cpp, with weights in Q4_0, and what it computes. */
export function productsModel(channels: number): ProductsModel {
  const names = Object.keys(matrices) as MatrixName[];
  const weights = new Map(names.map((name, i) => [name, randomMatrix(channels, 1 + i)]));
  const of = (name: MatrixName) => weights.get(name) as Uint8Array;
  const ones = new Uint8Array(new Float32Array(channels).fill(1).buffer);
  const norms = ['blk.0.attn_norm', 'blk.0.ffn_norm', 'output_norm'].map(
    (name): GgufTensor => ({ name: `${name}.weight`, type: 'f32', sizes: [channels], bytes: ones }),
  );
  const products = names.map(
    (name): GgufTensor => ({
      name: `${matrices[name]}.weight`,
      type: 'q4_0',
      sizes: [channels, channels],
      bytes: of(name),
    }),
  );
  const heads = channels / headSize;
  const bytes = gguf(
    {
      'general.architecture': 'llama',
      'llama.block_count': { u32: 1 },
      'llama.context_length': { u32: 32 },
      'llama.embedding_length': { u32: channels },
      'llama.feed_forward_length': { u32: channels },
      'llama.attention.head_count': { u32: heads },
      'llama.attention.head_count_kv': { u32: heads },
      'llama.attention.layer_norm_rms_epsilon': { f32: epsilon },
      'llama.rope.dimension_count': { u32: headSize },
      'llama.vocab_size': { u32: channels },
      'tokenizer.ggml.model': 'no_vocab',
    },
    [...norms, ...products],
  );
  const times = (name: MatrixName, x: Float64Array) =>
    Float64Array.from({ length: channels }, (_, row) => dot(rowOf(of(name), row, channels), x));
  return {
    bytes,
    scores(token) {
      let x = rowOf(of('tokens'), token, channels);
      const add = (more: Float64Array) => {
        x = x.map((value, i) => value + (more[i] as number));
      };
      // The attention of one token is its own value, and the first place turns nothing.
      add(times('heads', times('values', normalized(x))));
      const [gate, up] = [times('gate', normalized(x)), times('up', normalized(x))];
      add(
        times(
          'down',
          gate.map((value, i) => (value / (1 + Math.exp(-value))) * (up[i] as number)),
        ),
      );
      return times('tokens', normalized(x));
    },
  };
}
