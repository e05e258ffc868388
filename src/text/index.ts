export { sameAttribute } from './attributeKinds.ts';
export { type ParseOptions, parse } from './parser.ts';
export { type LazyText, type PrintOptions, printModule, printModuleLazily } from './printer.ts';
export { companionBytes, companionPieces } from './printResources.ts';
export { floatFormats, generator, type RandomRange, RandomResource } from './random.ts';
