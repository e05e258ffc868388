export * from './define.ts';
export { type PassChoice, type PrintIrOptions, printIr } from './instruments/printIr.ts';
export { type Reproducer, type ReproducerOptions, reproducer, runLine } from './instruments/reproducer.ts';
export { type PassTime, timing, timingTable } from './instruments/timing.ts';
export { verifier } from './instruments/verifier.ts';
export { type Interpret, type VerifySemanticsOptions, verifySemantics } from './instruments/verifySemantics.ts';
export * from './pipeline.ts';
export * from './registry.ts';
export * from './run.ts';
