/** Whether this machine's relaxed dot product gives exact sums, found by known answers. */

/**
 * A module that exports its memory and `dot`: i32x4.relaxed_dot_i8x16_i7x16_add_s on the vectors at 0, 16 and 32,
 * result at 48.
 */
const probeModule =
  'AGFzbQEAAAABBAFgAAADAgEABQQBAQEBBxACBm1lbW9yeQIAA2RvdAAACh8BHQBBMEEA/QAEAEEQ/QAEAEEg/QAEAP2TAv0LBAAL';

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Weights and activations of the probe: the extremes against one another, then numbers without symmetry. */
function probeOperands(round: number): [weights: Int8Array, activations: Uint8Array] {
  const weights = new Int8Array(16);
  const activations = new Uint8Array(16);
  const extremes = [
    [-128, 255],
    [-128, 200],
    [127, 255],
    [127, 128],
    [-128, 128],
    [-1, 255],
    [127, 127],
  ] as const;
  const pair = extremes[round];
  for (let lane = 0; lane < 16; lane++) {
    weights[lane] = pair ? pair[0] : 37 * round + 91 * lane * lane + 13 * lane;
    activations[lane] = pair ? pair[1] : 101 * round + 59 * lane * lane + 29 * lane + 128;
  }
  if (round === extremes.length) weights.fill(-128, 0, 8).fill(127, 8);
  return [weights, activations];
}

/**
 * What must be xor-ed into signed activations so that this machine's relaxed dot product is exact: 0 where it
 * reads them as signed, 0x80808080 where as unsigned; undefined where it saturates, is wrong or is not there.
 */
export function probeRelaxedDot(): number | undefined {
  try {
    const module = new WebAssembly.Module(fromBase64(probeModule));
    const { memory, dot } = new WebAssembly.Instance(module).exports as {
      memory: WebAssembly.Memory;
      dot: () => void;
    };
    const bytes = new Uint8Array(memory.buffer);
    const words = new Int32Array(memory.buffer);
    let signed = true;
    let unsigned = true;
    for (let round = 0; round < 24; round++) {
      const [weights, activations] = probeOperands(round);
      bytes.set(new Uint8Array(weights.buffer), 0);
      bytes.set(activations, 16);
      for (let lane = 0; lane < 4; lane++) words[8 + lane] = 1000003 * (round - 7) * (lane + 1);
      dot();
      for (let lane = 0; lane < 4; lane++) {
        let asSigned = words[8 + lane] as number;
        let asUnsigned = asSigned;
        for (let i = 4 * lane; i < 4 * lane + 4; i++) {
          const weight = weights[i] as number;
          const activation = activations[i] as number;
          asUnsigned += weight * activation;
          asSigned += weight * ((activation << 24) >> 24);
        }
        const found = words[12 + lane];
        signed &&= found === asSigned;
        unsigned &&= found === asUnsigned;
      }
    }
    return signed ? 0 : unsigned ? 0x80808080 | 0 : undefined;
  } catch {
    return undefined;
  }
}
