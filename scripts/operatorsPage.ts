import { registry } from '../dialects/index.ts';
import { hasKernel, refusedInPrograms, refusedOnDevices } from '../kernels/index.ts';
import { decomposed } from '../passes/schedule/decompose.ts';
import type { OnnxMapping, OpDefinition } from '../src/ir/index.ts';
import { refusedOperators, refusedUses } from '../src/onnx/index.ts';
import { Mappings } from '../src/onnx/mappings.ts';
import { structural } from '../src/onnx/structural.ts';

/** What becomes of one ONNX operator. */
interface Row {
  readonly operator: string;
  readonly domain: string;
  readonly becomes: string;
  readonly program: string;
}

const key = ({ op, domain }: OnnxMapping) => `${domain ?? ''} ${op}`;

const rewritten = new Set<OpDefinition>(decomposed.map(({ root }) => root.definition));

/** Ops that tell sizes: known in every program. */
const sizes = new Set(['nn.shape']);

/** Whether programs run an op: as a kernel, as other ops, or because it is always known when compiling. */
function inPrograms(definition: OpDefinition): string {
  const known = Object.keys(definition.operands).length === 0 || sizes.has(definition.name);
  if (hasKernel(definition.lower) || rewritten.has(definition) || known) return 'yes';
  return 'where its inputs are constant';
}

function directRows(): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const definition of registry.ops.values()) {
    for (const mapping of definition.onnx) {
      const program = mapping.program ?? inPrograms(definition);
      rows.set(key(mapping), {
        operator: mapping.op,
        domain: mapping.domain ?? '',
        becomes: `\`${definition.name}\``,
        program,
      });
    }
  }
  return rows;
}

/** Branches and loops run, with limits; sequences and optionals are gone after the import. */
function structureInPrograms(operator: string): string {
  return ['If', 'Loop', 'Scan'].includes(operator) ? 'yes, but for the uses below' : 'yes';
}

/** Devices take no branches between kernels, and no sizes from them: what a model's data decides cannot run there. */
const chosenByData: Readonly<Record<string, string>> = Object.fromEntries([
  ...['If', 'Loop', 'Scan'].map((operator) => [operator, 'where data does not decide']),
  ...['Compress', 'NonMaxSuppression', 'NonZero', 'Unique'].map((operator) => [
    operator,
    'refused: the size depends on data',
  ]),
]);

/** docs/operators.md: every ONNX operator that qc knows, on which targets it runs, and what is refused. */
export function operatorsPage(written: string): string {
  const rows = directRows();
  for (const mapping of new Mappings(registry).all) {
    const row = {
      operator: mapping.op,
      domain: mapping.domain ?? '',
      becomes: 'simpler ops',
      program: mapping.program ?? 'yes',
    };
    if (!rows.has(key(mapping))) rows.set(key(mapping), row);
  }
  for (const operator of structural.keys()) {
    const row = { operator, domain: '', becomes: 'structure', program: structureInPrograms(operator) };
    if (!rows.has(` ${operator}`)) rows.set(` ${operator}`, row);
  }
  const sorted = [...rows.values()].sort((a, b) =>
    a.domain === b.domain ? (a.operator < b.operator ? -1 : 1) : a.domain < b.domain ? -1 : 1,
  );
  return [
    '# Operators',
    '',
    written,
    '',
    'Which ONNX operators import, what they become, and whether programs can run them. Everything here runs in the interpreter. What programs refuse of the operators that say *yes* is listed below.',
    '',
    '| operator | domain | becomes | interpreter | wasm, C | WGSL, CUDA |',
    '|---|---|---|---|---|---|',
    ...sorted.map(
      ({ operator, domain, becomes, program }) =>
        `| ${operator} | ${domain || 'ai.onnx'} | ${becomes} | yes | ${program} | ${chosenByData[operator] ?? program} |`,
    ),
    '',
    '## Refused',
    '',
    '| operator | domain | why | instead |',
    '|---|---|---|---|',
    ...refusedOperators.map(
      (r) => `| ${r.op === '*' ? 'all' : r.op} | ${r.domain ?? 'ai.onnx'} | ${r.why} | ${r.help} |`,
    ),
    '',
    '| use | why | instead |',
    '|---|---|---|',
    ...refusedUses.map((r) => `| ${r.use} | ${r.why} | ${r.help} |`),
    '',
    '## Refused in programs',
    '',
    'The interpreter runs these.',
    '',
    '| use | why | instead |',
    '|---|---|---|',
    ...refusedInPrograms.map((r) => `| ${r.use} | ${r.why} | ${r.help} |`),
    '',
    '## Refused in WGSL and CUDA alone',
    '',
    '| use | why | instead |',
    '|---|---|---|',
    ...Object.values(refusedOnDevices).map((r) => `| ${r.use} | ${r.why} | ${r.help} |`),
    '',
  ].join('\n');
}
