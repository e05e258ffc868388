import { intrinsics, type Target } from '../../src/target/index.ts';
import { holds, type Machine } from './guard.ts';
import { cScalarTarget, cTarget } from './target.ts';
import { levels } from './vector/levels.ts';

/** A processor, or a family of them, that C is written for. */
export interface Cpu {
  readonly target: Target;
  /** What holds there; undefined where the file asks its compiler. */
  readonly machine: Machine;
  /** What the file says of it above its kernels. */
  readonly text: string;
  /** Whether programs for it may find an operating system, and so threads. */
  readonly hasThreads: boolean;
}

/** What a file for one processor may use, and how its compiler is told. */
interface Processor {
  readonly macros: readonly string[];
  readonly header?: string;
  /** What the compiler must have defined. */
  readonly defined: readonly string[];
  readonly flag: string;
  /** A microcontroller: its compilers have no POSIX threads. */
  readonly isBare?: boolean;
  /** Of `Target`. */
  readonly lookUpBits?: number;
}

const sse2 = ['QC_VECTORS', 'QC_SSE2'];
const avx2 = [...sse2, 'QC_SSE41', 'QC_AVX2'];
const neon = ['QC_VECTORS', 'QC_NEON'];

const processors = {
  'x86-64': { macros: sse2, header: 'emmintrin.h', defined: ['__SSE2__'], flag: '-march=x86-64' },
  // a row by 4096 × 1024 weights in groups of 32: by look-up 1.5 times as fast as by products of 4 bits, 2.7 of 2 bits
  haswell: {
    macros: avx2,
    header: 'immintrin.h',
    defined: ['__AVX2__', '__FMA__'],
    flag: '-march=haswell',
    lookUpBits: 4,
  },
  'icelake-server': {
    macros: [...avx2, 'QC_AVX512'],
    header: 'immintrin.h',
    defined: ['__AVX512F__', '__AVX512BW__', '__AVX512DQ__', '__AVX512VL__', '__AVX512VNNI__'],
    flag: '-march=icelake-server',
  },
  'cortex-a53': {
    macros: neon,
    header: 'arm_neon.h',
    defined: ['__aarch64__', '__ARM_NEON'],
    flag: '-mcpu=cortex-a53',
  },
  'cortex-a76': {
    macros: [...neon, 'QC_DOTPROD'],
    header: 'arm_neon.h',
    defined: ['__aarch64__', '__ARM_FEATURE_DOTPROD'],
    flag: '-mcpu=cortex-a76',
  },
  'neoverse-v1': {
    macros: [...neon, 'QC_DOTPROD', 'QC_I8MM'],
    header: 'arm_neon.h',
    defined: ['__aarch64__', '__ARM_FEATURE_MATMUL_INT8'],
    flag: '-mcpu=neoverse-v1',
  },
  'cortex-m0plus': { macros: [], defined: [], flag: '-mcpu=cortex-m0plus', isBare: true },
  'cortex-m4': {
    macros: ['QC_ARM_DSP'],
    header: 'arm_acle.h',
    defined: ['__ARM_FEATURE_DSP', '__ARM_FEATURE_SIMD32'],
    flag: '-mcpu=cortex-m4',
    isBare: true,
  },
  'cortex-m55': {
    macros: ['QC_VECTORS', 'QC_MVE'],
    header: 'arm_mve.h',
    defined: ['__ARM_FEATURE_MVE'],
    flag: '-mcpu=cortex-m55',
    isBare: true,
  },
  rv64gcv: { macros: ['QC_VECTORS'], defined: ['__riscv_vector'], flag: '-march=rv64gcv' },
} as const satisfies Record<string, Processor>;

type ProcessorName = keyof typeof processors;
/** What `--cpu` names. */
export type CpuName = 'generic' | 'scalar' | ProcessorName;

function cpuOf(name: string, processor: Processor): Cpu {
  const { macros, header, defined, flag, isBare = false, lookUpBits } = processor;
  const machine = new Set(macros);
  const vectors = machine.has('QC_VECTORS');
  const { contractions, ...base } = vectors ? cTarget : cScalarTarget;
  const has = (feature: string | undefined) =>
    feature === undefined || levels.some((level) => level.feature === feature && holds(level.when, machine));
  const compiler = vectors ? ['(defined(__clang__) || __GNUC__ >= 12)'] : [];
  const needed = [...compiler, ...defined.map((macro) => `defined(${macro})`)];
  const lines = [
    `/* For ${name} alone: compile with ${flag} or for what has more. */`,
    ...(needed.length > 0 ? [`#if !(${needed.join(' && ')})`, `#error "compile with ${flag}"`, '#endif'] : []),
    ...(header ? [`#include <${header}>`] : []),
    `#define QC_LANE(a, i) ((a)${vectors ? '[i]' : '.lane[i]'})`,
    '',
  ];
  return {
    target: {
      ...base,
      contractions: contractions.filter((intrinsic) => has(intrinsics[intrinsic].feature)),
      ...(lookUpBits === undefined ? {} : { lookUpBits }),
    },
    machine,
    text: lines.join('\n'),
    hasThreads: !isBare,
  };
}

const ofCompiler = (target: Target): Cpu => ({ target, machine: undefined, text: '', hasThreads: true });

/** What C can be written for. */
export const cpus: Readonly<Record<CpuName, Cpu>> = {
  generic: ofCompiler(cTarget),
  scalar: ofCompiler(cScalarTarget),
  ...(Object.fromEntries(
    Object.entries(processors).map(([name, processor]) => [name, cpuOf(name, processor)]),
  ) as Record<ProcessorName, Cpu>),
};
