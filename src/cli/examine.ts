import { spawnSync } from 'node:child_process';
import { hostCompilers } from '../../backends/c/host.ts';
import { loadWasmRuntime } from '../../backends/wasm/host.ts';
import { QcError } from '../support/diagnostics.ts';
import { findCuda } from './host/cuda.ts';
import { openAdapter } from './host/webgpu.ts';
import type { Terminal } from './terminal.ts';

/** One thing that qc can use. */
interface Finding {
  readonly what: string;
  readonly found: string | undefined;
  /** What is missing without it, and how to get it. */
  readonly help: string;
}

/** Oldest Node that qc itself runs on. */
const oldestNode: readonly [number, number] = [22, 12];

/** A module with one function that makes a vector of 128 bits. */
const simdModule = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
);

/** Looks for everything that qc can use, and prints it. */
export async function examine(terminal: Terminal): Promise<void> {
  const findings = [
    findNode(),
    findSimd(),
    await findRelaxed(),
    findC(),
    await findWebGpu(),
    findGpu(),
    ...crossTools.map(findCross),
  ];
  if (terminal.json) {
    terminal.printJson(findings.map(({ what, found }) => ({ what, found: found ?? null })));
    return;
  }
  for (const { what, found, help } of findings) {
    terminal.print(`${found === undefined ? 'missing' : 'ok     '}  ${what}${found ? `: ${found}` : ''}`);
    if (found === undefined) terminal.print(`         ${help}`);
  }
}

function findNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const recent = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  return {
    what: `Node ${oldestNode.join('.')} or newer`,
    found: recent ? process.versions.node : undefined,
    help: `this is Node ${process.versions.node}: install a newer one`,
  };
}

function findSimd(): Finding {
  const works = WebAssembly.validate(simdModule);
  return {
    what: 'WebAssembly SIMD, to run wasm artifacts',
    found: works ? 'yes' : undefined,
    help: 'a newer JavaScript engine has it',
  };
}

async function findRelaxed(): Promise<Finding> {
  const mask = (await loadWasmRuntime()).probeRelaxedDot();
  return {
    what: 'exact relaxed SIMD dot product, to run 8-bit wasm artifacts faster',
    found: mask === undefined ? undefined : mask === 0 ? 'signed activations' : 'unsigned activations',
    help: 'artifacts run without it, on baseline SIMD',
  };
}

function findC(): Finding {
  for (const name of hostCompilers) {
    const { status, stdout } = spawnSync(name, ['--version'], { encoding: 'utf8' });
    if (status === 0)
      return { what: 'a C compiler, to run C artifacts', found: stdout.split('\n')[0] ?? name, help: '' };
  }
  return {
    what: 'a C compiler, to run C artifacts',
    found: undefined,
    help: 'install gcc or clang, for example apt-get install gcc',
  };
}

/** Compilers for other machines and what runs their programs here: for C artifacts that are tried before they are shipped. */
const crossTools = [
  {
    machine: 'Cortex-M',
    commands: ['arm-none-eabi-gcc', 'qemu-system-arm'],
    packages: 'gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm',
  },
  {
    machine: 'aarch64',
    commands: ['aarch64-linux-gnu-gcc', 'qemu-aarch64'],
    packages: 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user',
  },
  {
    machine: 'riscv64',
    commands: ['riscv64-linux-gnu-gcc', 'qemu-riscv64'],
    packages: 'gcc-riscv64-linux-gnu libc6-dev-riscv64-cross qemu-user',
  },
] as const;

function findCross({ machine, commands, packages }: (typeof crossTools)[number]): Finding {
  const absent = commands.filter((command) => spawnSync(command, ['--version']).status !== 0);
  return {
    what: `a compiler and an emulator for ${machine}, to try C artifacts`,
    found: absent.length === 0 ? commands.join(', ') : undefined,
    help: `${absent.join(' and ')} ${absent.length > 1 ? 'do' : 'does'} not start: for example apt-get install ${packages}`,
  };
}

async function findWebGpu(): Promise<Finding> {
  const what = 'WebGPU, to run wgsl artifacts';
  try {
    const { info } = (await openAdapter()).adapter;
    return { what, found: info.description || info.vendor || 'yes', help: '' };
  } catch (error) {
    return { what, found: undefined, help: error instanceof QcError ? `${error.message}` : String(error) };
  }
}

function findGpu(): Finding {
  const { compiler, device } = findCuda();
  return {
    what: 'nvcc and a graphics processor, to run cuda artifacts',
    found: compiler && device && `${compiler}, ${device}`,
    help: compiler
      ? `nvcc is here (${compiler}), nvidia-smi finds no graphics processor: artifacts can be compiled`
      : 'install the CUDA toolkit, on a machine with a graphics processor',
  };
}
