import { type KernelBuilder, narrowCodes } from '../../dialects/kernel/index.ts';
import { constant } from '../../dialects/nn/constant.ts';
import { type Rewriter, staticShape, type TensorType, tensor, type Value } from '../../src/ir/index.ts';
import { codeBits, flatLayout, layoutBytes, tileBytes } from '../../src/numerics/index.ts';
import { lanesFor, type Target } from '../../src/target/index.ts';
import { tensorType } from '../cluster.ts';
import { unpackUnit } from './panelCodes.ts';

/** Codes below which a kernel of their own does not pay. */
const fewestCodes = 256;

/** Codes as they are stored, the type of the bytes that they become, and the kernel that makes these. */
export interface Widening {
  readonly stored: Value;
  readonly type: TensorType;
  readonly build: (k: KernelBuilder, stored: Value, bytes: Value) => void;
}

/**
 * Stores packed codes of constant weights in as many bits as they need.
 * @param weights the constant that they are packed from
 * @returns undefined where they need 8 bits, or are few, or no codes
 */
export function widening(packed: Value, weights: Value, target: Target, rewriter: Rewriter): Widening | undefined {
  const [count] = staticShape(tensorType(packed)) as [number];
  if (tensorType(packed).element !== 'i8' || count < fewestCodes || !constant.is(weights.op)) return undefined;
  const bits = codeBits(constant.attributesOf(weights.op).value.data() as Int8Array);
  if (bits >= 8) return undefined;
  const lanes = lanesFor(target, 1);
  const layout = flatLayout(count, bits, lanes);
  const tile = 8 * lanes;
  const tiles = Math.ceil(count / tile);
  const types = [tensor([layoutBytes(layout)], 'u8')];
  return {
    stored: rewriter.create(narrowCodes, { x: packed }, { bits, lanes }, { types }).result,
    type: tensor([tiles * tile], 'i8'),
    build(k, stored, bytes) {
      k.parallel([tiles], ([t]) => {
        const from = k.scaled(t as Value, tileBytes(layout));
        const planes = layout.planes.map((_, i) => i);
        for (const { k: first, codes } of unpackUnit(k, layout, planes, stored, from)) {
          const offset = k.constant(2 ** (bits - 1), 'u8', codes);
          const at = k.add(k.scaled(t as Value, tile), k.index(first));
          k.store(k.convert(k.sub(codes, offset), 'i8'), bytes, at);
        }
      });
    },
  };
}
