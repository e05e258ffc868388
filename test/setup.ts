import fc from 'fast-check';

// Property tests repeat the same cases on every run; `npm run test:full` draws new ones, and more of them.
fc.configureGlobal(process.env.QC_FULL ? { numRuns: 2000 } : { seed: 1, numRuns: 100 });
