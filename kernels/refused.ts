import { isFloat, type Op, type ScalarType } from '../src/ir/index.ts';
import { QcError } from '../src/support/diagnostics.ts';

/** Element types that kernels compute with; i1 is stored as u8. */
export const kernelElements: ReadonlySet<ScalarType> = new Set([
  'f32',
  'i64',
  'i32',
  'u32',
  'i16',
  'u16',
  'i8',
  'u8',
] as const);

/** What the interpreter runs and programs refuse. */
export interface ProgramRefusal {
  /** The op that is refused; absent: of any op. */
  readonly op?: string;
  readonly use: string;
  readonly why: string;
  readonly help: string;
}

export const refusedInPrograms: readonly ProgramRefusal[] = [
  {
    op: 'nn.if',
    use: 'If whose ways give tensors of different sizes',
    why: 'programs have fixed sizes',
    help: 'fix the condition, or export the model so that both ways give the same shapes',
  },
  {
    op: 'nn.loop',
    use: 'Loop and Scan without a constant limit of steps, with more than 4096 ops in all steps together, or whose carried sizes change',
    why: 'programs hold every step that a loop may take',
    help: 'export the model with a constant number of steps, or run it in the interpreter',
  },
  {
    op: 'nn.range_of',
    use: 'Range of floats that data decide',
    why: 'its size is a quotient that single precision does not hold',
    help: 'count in integers and multiply, or run it in the interpreter',
  },
  {
    use: 'elements of type f64, inputs, outputs and Cast among them; f16 and bf16 in models with branches or loops, and in quantized types',
    why: 'kernels compute floats in single precision',
    help: 'export the model in float32, or run it in the interpreter',
  },
  {
    use: 'elements of type u64, and of 8-bit, 4-bit and 2-bit formats outside of weights (f8…, f4e2m1, f8e8m0, i4, u4, i2, u2)',
    why: `kernels load and store ${[...kernelElements].join(', ')} and bool`,
    help: 'cast to int32 or float32 outside of the model, or run it in the interpreter',
  },
];

/** What programs for graphics processors (WGSL, CUDA) refuse beyond that: they run the same launches every time. */
export const refusedOnDevices = {
  openSizes: {
    use: 'sizes that stay open within bounds (`--dim NAME=LOW..HIGH`)',
    why: 'how many invocations run is said before',
    help: 'give a size, `--dim NAME=SIZE`, or compile for wasm or c',
  },
  growingStates: {
    use: 'states that grow (`--state …:append`)',
    why: 'how many invocations run is said before, and a state that grows has another size in every run',
    help: 'export the model with a cache of one size, or compile for wasm or c',
  },
  choices: {
    use: 'If, Loop and Scan whose way or number of steps depends on data',
    why: 'programs for graphics processors run the same kernels every time',
    help: 'compile for wasm or c',
  },
} as const satisfies Record<string, ProgramRefusal>;

/** Why programs cannot run an op; undefined where the list does not say. */
export function refusalOf({ name, source }: Op): QcError | undefined {
  const refusal = refusedInPrograms.find(({ op }) => op === name);
  return (
    refusal &&
    new QcError({
      what: `programs cannot run this ${name}`,
      where: source,
      why: `they refuse ${refusal.use}: ${refusal.why}`,
      help: refusal.help,
    })
  );
}

/** What to say about an element type that kernels don't have. */
export function elementAdvice(element: ScalarType): { readonly why: string; readonly help: string } {
  const isWide = isFloat(element) && ['f16', 'bf16', 'f64'].includes(element);
  const { why, help } = refusedInPrograms.at(isWide ? -2 : -1) as ProgramRefusal;
  return { why, help };
}
