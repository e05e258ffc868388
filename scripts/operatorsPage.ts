import { registry } from '../dialects/index.ts';
import { hasKernel } from '../kernels/index.ts';
import type { OnnxMapping } from '../src/ir/index.ts';
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

function directRows(): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const definition of registry.ops.values()) {
    for (const mapping of definition.onnx) {
      const program = hasKernel(definition.lower) ? 'yes' : 'where it folds away';
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

/** docs/operators.md: every ONNX operator that qc knows, on which targets it runs, and what is refused. */
export function operatorsPage(written: string): string {
  const rows = directRows();
  for (const mapping of new Mappings(registry).all) {
    const row = {
      operator: mapping.op,
      domain: mapping.domain ?? '',
      becomes: 'simpler ops',
      program: 'as its parts do',
    };
    if (!rows.has(key(mapping))) rows.set(key(mapping), row);
  }
  for (const operator of structural.keys()) {
    const row = { operator, domain: '', becomes: 'structure', program: 'where it folds away' };
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
    'Which ONNX operators import, what they become, and whether programs (wasm, C) can run them. Everything here runs in the interpreter. *Where it folds away*: when its value is known while compiling.',
    '',
    '| operator | domain | becomes | interpreter | wasm, C |',
    '|---|---|---|---|---|',
    ...sorted.map((r) => `| ${r.operator} | ${r.domain || 'ai.onnx'} | ${r.becomes} | yes | ${r.program} |`),
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
  ].join('\n');
}
