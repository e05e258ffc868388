// Measures compiled models beside the runtimes that people use. See --help.
import { parseArgs } from 'node:util';
import { regressions, saveFigures } from './gate.ts';
import { goalTable } from './goals.ts';
import { describeMachine, machineLine } from './machine.ts';
import type { Effort, Figures, Section, SectionResult } from './section.ts';
import { sections } from './sections/index.ts';

const help = `npm run bench -- [options] [section …]

Times single operations and whole models beside onnxruntime-web and onnxruntime-node, interleaved and on one thread.
Results are checked before they are timed. Prints the goals first, then the tables of the sections:

${sections.map(({ name, title }) => `  ${name.padEnd(14)} ${title}`).join('\n')}

  --models A,B   models to measure; default: all that are here
  --quick        fewer and shorter rounds
  --json         prints the figures as JSON instead of tables
  --save         remembers the figures as those of a release
  --gate         fails when a figure has lost more than 15 % since the last release`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    models: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    gate: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const effort: Effort = values.quick
  ? { rounds: 7, sliceMilliseconds: 40, modelMilliseconds: 8_000, processes: 3 }
  : { rounds: 21, sliceMilliseconds: 120, modelMilliseconds: 30_000, processes: 9 };

/** What a section finds. Its errors are lines of the report: others have taken their time. */
async function measured(section: Section): Promise<SectionResult> {
  try {
    return await section.measure(effort, values.models?.split(','));
  } catch (error) {
    const line = `${section.title}: ${(error as Error).message}`;
    return { text: `Failed: ${line}`, figures: {}, failed: [line] };
  }
}

async function report(): Promise<void> {
  const unknown = positionals.find((name) => !sections.some((section) => section.name === name));
  if (unknown)
    throw new Error(`there is no section ${unknown}; there are ${sections.map(({ name }) => name).join(', ')}`);
  const machine = await describeMachine();
  const texts: string[] = [];
  const failures: string[] = [];
  const figures: Record<string, Figures[string]> = {};
  for (const section of sections) {
    if (positionals.length > 0 && !positionals.includes(section.name)) continue;
    const { text, figures: found, failed = [] } = await measured(section);
    texts.push(`## ${section.title}`, text);
    Object.assign(figures, found);
    failures.push(...failed);
  }
  if (values.json) {
    console.log(JSON.stringify({ machine, figures }, undefined, 2));
  } else {
    const how = 'Medians of interleaved rounds, quartiles in brackets; more than 1× is faster or less.';
    console.log([machineLine(machine), how, '## Goals', goalTable(figures), ...texts].join('\n\n'));
  }
  if (values.save) saveFigures(figures);
  const lines = [...failures, ...(values.gate ? regressions(figures) : [])];
  for (const line of lines) console.error(line);
  process.exitCode = lines.length > 0 ? 1 : 0;
}

if (values.help) console.log(help);
else {
  await report().catch((error: Error) => {
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
  });
}
