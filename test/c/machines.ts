import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CpuName } from '../../src/api/choices.ts';
import { missing } from './program.ts';

/** A machine other than this one: a compiler for it, and an emulator that runs what it makes. */
export interface Machine {
  readonly name: string;
  readonly compiler: string;
  readonly flags: readonly string[];
  /** Sources that a program without an operating system needs. */
  readonly startup: readonly string[];
  /** The emulator and its arguments, before the program's path; empty: the program runs here. */
  readonly emulator: readonly string[];
  /** What C is written for it alone. */
  readonly cpu: CpuName;
  /** Without them, vectors are lanes one by one, which compilers take long for. */
  readonly hasVectors: boolean;
  /** Of a program that runs here: instructions that this processor must have, as /proc/cpuinfo names them. */
  readonly instructions?: readonly string[];
  /** The instruction that products of 8-bit codes become in code with vectors, where the machine has a special one. */
  readonly multiplies?: RegExp;
}

const example = fileURLToPath(new URL('../../examples/cortex-m', import.meta.url));

function cortexM(
  name: string,
  cpu: CpuName,
  options: readonly string[],
  board: 'mps2' | 'mps3',
  machine: string,
): Machine {
  return {
    name,
    cpu,
    compiler: 'arm-none-eabi-gcc',
    flags: [
      `-mcpu=${cpu}`,
      ...options,
      '-mthumb',
      '--specs=rdimon.specs',
      '-nostartfiles',
      `-L${example}`,
      '-T',
      `${board}.ld`,
    ],
    hasVectors: board === 'mps3',
    startup: [`${example}/startup.c`],
    emulator: [
      ...['qemu-system-arm', '-M', machine, '-nographic', '-semihosting-config', 'enable=on,target=native', '-kernel'],
    ],
  };
}

const aarch64 = (name: string, cpu: CpuName, march: string, emulated: string): Machine => ({
  name,
  cpu,
  compiler: 'aarch64-linux-gnu-gcc',
  flags: [`-march=${march}`, '-static'],
  hasVectors: true,
  startup: [],
  emulator: ['qemu-aarch64', '-cpu', emulated],
});

const riscvVectors = (bits: number): Machine => ({
  name: `riscv64 with vectors of ${bits} bits, clang`,
  cpu: 'rv64gcv',
  compiler: 'clang-16',
  // what clang 16 vectorizes by itself meets an assertion in QEMU 7.2
  hasVectors: true,
  flags: ['--target=riscv64-linux-gnu', '-march=rv64gcv', '-static', '-fno-vectorize'],
  startup: [],
  emulator: ['qemu-riscv64', '-cpu', `rv64,v=true,vlen=${bits},vext_spec=v1.0`],
  multiplies: /\bvmacc\.vv\b/,
});

const clang = (name: string, cpu: CpuName, flags: readonly string[]): Machine => ({
  name,
  cpu,
  compiler: 'clang-16',
  flags,
  hasVectors: flags.length === 0,
  startup: [],
  emulator: [],
});

/** What an x86-64 processor needs for a level of C, as /proc/cpuinfo names it. */
export const instructionsFor = {
  sse41: ['sse4_1'],
  avx2: ['avx2', 'fma'],
  avx512: ['avx512_vnni', 'avx512bw', 'gfni', 'vaes'],
} as const;

const gcc = (name: string, cpu: CpuName, instructions: readonly string[]): Machine => ({
  name,
  cpu,
  compiler: 'gcc',
  flags: [`-march=${cpu}`],
  hasVectors: true,
  instructions,
  startup: [],
  emulator: [],
});

export const cortexM4: Machine = {
  ...cortexM('Cortex-M4', 'cortex-m4', ['-mfloat-abi=hard', '-mfpu=fpv4-sp-d16'], 'mps2', 'mps2-an386'),
  multiplies: /\bsmlad\b/,
};

/** On a Cortex-M3, whose instructions are a superset. */
export const cortexM0 = cortexM('Cortex-M0+', 'cortex-m0plus', ['-mfloat-abi=soft'], 'mps2', 'mps2-an385');

const cortexM55: Machine = {
  ...cortexM('Cortex-M55', 'cortex-m55', ['-mfloat-abi=hard'], 'mps3', 'mps3-an547'),
  multiplies: /\bvmullb\.s16\b/,
};

export const machines: readonly Machine[] = [
  aarch64('aarch64', 'cortex-a53', 'armv8-a', 'cortex-a72'),
  { ...aarch64('aarch64 with dotprod', 'cortex-a76', 'armv8.2-a+dotprod', 'max'), multiplies: /\bsdot\b/ },
  {
    ...aarch64('aarch64 with i8mm', 'neoverse-v1', 'armv8.2-a+dotprod+i8mm', 'max'),
    multiplies: /\bsmmla\b/,
  },
  {
    name: 'riscv64',
    cpu: 'scalar',
    compiler: 'riscv64-linux-gnu-gcc',
    flags: ['-static'],
    hasVectors: false,
    startup: [],
    emulator: ['qemu-riscv64'],
  },
  riscvVectors(128),
  riscvVectors(256),
  riscvVectors(512),
  cortexM4,
  cortexM55,
  cortexM0,
  clang('x86-64, clang', 'x86-64', []),
  clang('x86-64 without vectors, clang', 'scalar', ['-DQC_PLAIN']),
  { ...gcc('x86-64 with AVX2', 'haswell', instructionsFor.avx2), multiplies: /\bvpmaddwd\b/ },
  { ...gcc('x86-64 with AVX-512 VNNI', 'icelake-server', instructionsFor.avx512), multiplies: /\bvpdpbusd\b/ },
];

function cpuInfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}

const instructionsHere = new Set(/^flags\s*:(.*)$/m.exec(cpuInfo())?.[1]?.split(' ') ?? []);

/** What a suite's name says where this processor lacks instructions; empty where it has them. */
export function missingInstructions(needed: readonly string[]): string {
  const absent = needed.filter((one) => !instructionsHere.has(one));
  return absent.length === 0 ? '' : ` (this processor has no ${absent.join(', ')})`;
}

/** What a suite's name says when this machine can't be tried here; empty when it can. */
export const missingFor = ({ compiler, emulator, instructions = [] }: Machine): string =>
  missing(compiler, ...emulator.slice(0, 1)) || missingInstructions(instructions);
