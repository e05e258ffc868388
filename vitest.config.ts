import { defineConfig } from 'vitest/config';

/** Whole models, sweeps over samples and the packed package: minutes, so they run in `npm test` and not in `npm run check`. */
const slow = ['test/**/*.slow.test.ts', 'test/models/**/*.test.ts', 'test/slow/**/*.test.ts', 'test/package.test.ts'];

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    setupFiles: ['test/setup.ts'],
    reporters: ['default', './test/skip-reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: slow,
          testTimeout: 30_000,
          hookTimeout: 60_000,
          isolate: false,
        },
      },
      {
        extends: true,
        test: { name: 'slow', include: slow, testTimeout: 300_000, hookTimeout: 300_000 },
      },
    ],
  },
});
