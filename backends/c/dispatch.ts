import { type CpuName, cpus } from './cpus.ts';
import { runParameters } from './header.ts';
import type { CSignature } from './signature.ts';

/** A version of the kernels for some x86 processors: a file of its own. */
export interface DispatchedVersion {
  readonly cpu: CpuName;
  /** What the processor must have, as GCC and Clang call it. */
  readonly needs: readonly string[];
}

/** The best first; the last runs on every one. */
export const dispatchedVersions: readonly DispatchedVersion[] = [
  {
    cpu: 'icelake-server',
    needs: ['avx2', 'fma', 'avx512f', 'avx512bw', 'avx512dq', 'avx512vl', 'avx512vnni'],
  },
  { cpu: 'haswell', needs: ['avx2', 'fma'] },
  { cpu: 'x86-64', needs: [] },
];

const identifierOf = ({ cpu }: DispatchedVersion) => cpu.replaceAll('-', '_');

/** The file that holds a version, and its function in the place of NAME_run. */
export const versionFile = (name: string, version: DispatchedVersion): string => `${name}_${identifierOf(version)}.c`;
export const versionFunction = (name: string, version: DispatchedVersion): string =>
  `${name}_run_${identifierOf(version)}`;

/** GCC takes instructions for a whole file from a pragma; Clang wants the options that CMakeLists.txt has. */
export function versionText({ cpu, needs }: DispatchedVersion): string {
  const pragma = [
    '#if defined(__GNUC__) && !defined(__clang__)',
    `#pragma GCC target("${needs.join(',')}")`,
    '#endif',
    '',
  ];
  return `${needs.length > 0 ? pragma.join('\n') : ''}${cpus[cpu].text}`;
}

export function prototypeText(signature: CSignature, version: DispatchedVersion): string {
  const { name } = signature;
  const parameters = [`${name}_context *ctx`, ...runParameters(signature)].join(', ');
  return `int ${versionFunction(name, version)}(${parameters});\n\n`;
}

/** NAME_run, which asks the processor what it has. */
export function dispatchText(signature: CSignature): string {
  const { name } = signature;
  const run = runParameters(signature);
  const args = ['ctx', ...run.map((parameter) => parameter.match(/\w+$/)?.[0])].join(', ');
  const choices = dispatchedVersions.flatMap((version) => {
    const call = `return ${versionFunction(name, version)}(${args});`;
    const has = version.needs.map((feature) => `__builtin_cpu_supports("${feature}")`);
    return has.length === 0 ? [`  ${call}`] : [`  if (${has.join(' &&\n      ')}) {`, `    ${call}`, '  }'];
  });
  return [
    ...dispatchedVersions.map((version) => prototypeText(signature, version).trimEnd()),
    '',
    `int ${name}_run(${name}_context *ctx${run.map((parameter) => `,\n    ${parameter}`).join('')})`,
    '{',
    ...choices,
    '}',
    '',
    '',
  ].join('\n');
}
