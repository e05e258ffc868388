import { eigenvectors } from '../../../src/linalg/index.ts';
import {
  elementary,
  type HadamardFactors,
  hadamardFactors,
  hadamardMatrix,
  hadamardPart,
} from '../../../src/numerics/index.ts';

/**
 * A linear map of `block` neighbouring channels. `apply` puts M·x in the place of x, the first axis of [block, inner].
 * With an orthogonal M, (M·x)ᵀ(M·w) == xᵀw: values and the rows of the weights that read them go through the same map.
 */
export interface ChannelMatrix {
  readonly block: number;
  readonly apply: (x: Float64Array, inner: number) => void;
}

/** Every block along an axis of a tensor, through the map. */
export function mapAxis(data: Float64Array, shape: readonly number[], axis: number, map: ChannelMatrix): void {
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const size = map.block * inner;
  for (let from = 0; from < data.length; from += size) map.apply(data.subarray(from, from + size), inner);
}

/** x minus its mean over all channels: what LayerNorm is, before RMSNorm. */
export function centring(channels: number): ChannelMatrix {
  return {
    block: channels,
    apply(x, inner) {
      for (let i = 0; i < inner; i++) {
        let mean = 0;
        for (let c = i; c < x.length; c += inner) mean += (x[c] as number) / channels;
        for (let c = i; c < x.length; c += inner) x[c] = (x[c] as number) - mean;
      }
    },
  };
}

/** Each channel times a factor of its own. */
export function scaling(factors: Float64Array): ChannelMatrix {
  return {
    block: factors.length,
    apply(x, inner) {
      for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) * (factors[Math.floor(i / inner)] as number);
    },
  };
}

/** Channels in another order: channel i becomes what channel `order[i]` was. */
export function permutation(order: readonly number[]): ChannelMatrix {
  return {
    block: order.length,
    apply(x, inner) {
      const old = x.slice();
      order.forEach((from, to) => {
        x.set(old.subarray(from * inner, (from + 1) * inner), to * inner);
      });
    },
  };
}

/** factor · H, H the Hadamard matrix of elements ±1. */
export function hadamardMap(block: number, factor: number): ChannelMatrix {
  const { order } = hadamardFactors(block) as HadamardFactors;
  const small = Float64Array.from(hadamardMatrix(order));
  return {
    block,
    apply(x, inner) {
      if (order > 1) mapAxis(x, [block / order, order, inner], 1, denseMap(small, order));
      for (let step = order; step < block; step *= 2) butterflies(x, step * inner);
      for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) * factor;
    },
  };
}

/**
 * An orthogonal matrix that spreads every channel over all others: H·D/√n with signs D (the randomized Hadamard matrix of
 * QuaRot). A size without Hadamard matrix is its largest divisor that has one times a cosine transform.
 * @param seed of the signs
 */
export function randomHadamard(block: number, seed: number): ChannelMatrix {
  const part = hadamardPart(block);
  const rest = block / part;
  const walsh = hadamardMap(part, 1 / Math.sqrt(part));
  const cosines = rest > 1 ? denseMap(cosineMatrix(rest), rest) : undefined;
  const random = sequence(seed);
  const signs = Array.from({ length: block }, () => (random() < 0.5 ? -1 : 1));
  return {
    block,
    apply(x, inner) {
      for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) * (signs[Math.floor(i / inner)] as number);
      mapAxis(x, [part, rest * inner], 0, walsh);
      if (cosines) mapAxis(x, [part, rest, inner], 1, cosines);
    },
  };
}

/**
 * The randomized Hadamard matrix behind a Karhunen–Loève transform: the eigenvectors of the second moments XᵀX/rows make
 * channels that are not correlated, which the Hadamard matrix then gives one variance, tr(XᵀX)/(n·rows).
 * Source: Xu et al., MambaQuant (2025), section 4.1: KLT-enhanced rotation.
 * @param rows row-major, rows of blocks of channels, all of which count
 */
export function karhunenLoeve(block: number, rows: readonly ArrayLike<number>[], seed: number): ChannelMatrix {
  const moments = new Float64Array(block * block);
  for (const data of rows) {
    for (let from = 0; from < data.length; from += block) {
      for (let i = 0; i < block; i++) {
        const x = data[from + i] as number;
        for (let j = 0; j < block; j++) {
          moments[i * block + j] = (moments[i * block + j] as number) + x * (data[from + j] as number);
        }
      }
    }
  }
  const [uncorrelated, walsh] = [denseMap(eigenvectors(moments, block), block), randomHadamard(block, seed)];
  return {
    block,
    apply(x, inner) {
      uncorrelated.apply(x, inner);
      walsh.apply(x, inner);
    },
  };
}

/** A product of `block` reflections at random planes. */
export function randomOrthogonal(block: number, seed: number): ChannelMatrix {
  const random = sequence(seed);
  const normals = Array.from({ length: block }, () => Float64Array.from({ length: block }, () => 2 * random() - 1));
  return {
    block,
    apply(x, inner) {
      for (const v of normals) reflect(x, inner, v);
    },
  };
}

/** x − 2·v·(vᵀx)/(vᵀv) */
function reflect(x: Float64Array, inner: number, v: Float64Array): void {
  const length = v.reduce((sum, a) => sum + a * a, 0);
  for (let i = 0; i < inner; i++) {
    let dot = 0;
    v.forEach((a, c) => {
      dot += a * (x[c * inner + i] as number);
    });
    const factor = (2 * dot) / length;
    v.forEach((a, c) => {
      x[c * inner + i] = (x[c * inner + i] as number) - factor * a;
    });
  }
}

/** The orthonormal cosine transform, DCT-II. */
function cosineMatrix(n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, at) => {
    const [k, i] = [Math.floor(at / n), at % n];
    return elementary.cos((Math.PI / n) * (i + 0.5) * k) * Math.sqrt((k === 0 ? 1 : 2) / n);
  });
}

function denseMap(matrix: Float64Array, n: number): ChannelMatrix {
  return {
    block: n,
    apply(x, inner) {
      const old = x.slice();
      x.fill(0);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          const m = matrix[i * n + j] as number;
          for (let c = 0; c < inner; c++)
            x[i * inner + c] = (x[i * inner + c] as number) + m * (old[j * inner + c] as number);
        }
      }
    },
  };
}

/** Pairs (a, b) that are `step` apart become (a + b, a − b). */
function butterflies(x: Float64Array, step: number): void {
  for (let from = 0; from < x.length; from += 2 * step) {
    for (let i = from; i < from + step; i++) {
      const [a, b] = [x[i] as number, x[i + step] as number];
      x[i] = a + b;
      x[i + step] = a - b;
    }
  }
}

/** Numbers in [0, 1), always the same for a seed (Marsaglia's xorshift). */
function sequence(seed: number): () => number {
  let state = (seed * 0x9e3779b9) | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
