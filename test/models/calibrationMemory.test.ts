import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const model = fileURLToPath(new URL('../../../shared/models/mbnet128_0.25_f.onnx', import.meta.url));
const script = fileURLToPath(new URL('calibrationMemory.mjs', import.meta.url));

interface Measured {
  readonly peakBytes: number;
  /** Of the processor, on all its cores. */
  readonly seconds: number;
}

/** Calibrates in a process of its own. */
function measure(samples: number): Measured {
  const text = execFileSync('node', ['--no-warnings', script, model, `${samples}`], { encoding: 'utf8' });
  const measured = JSON.parse(text) as Measured;
  console.log(`${samples} samples: ${(measured.peakBytes / 1e6).toFixed(0)} MB, ${measured.seconds.toFixed(1)} s`);
  return measured;
}

// What users run: without the memory that reading TypeScript takes.
const built = fileURLToPath(new URL('../../dist/src/index.js', import.meta.url));

describe.skipIf(!existsSync(model) || !existsSync(built))(
  'calibration (needs ../shared/models and npm run build)',
  () => {
    it('takes memory that does not grow with the samples, and less than 300 MB', () => {
      const [few, hundred, many] = [measure(10), measure(100), measure(1000)];
      expect(hundred.peakBytes).toBeLessThan(300e6);
      expect(many.peakBytes).toBeLessThan(1.15 * few.peakBytes);
      expect(hundred.seconds).toBeLessThan(5);
    });
  },
);
