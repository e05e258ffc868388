export * from './describe.ts';
export * from './presets.ts';
export * from './recipe.ts';
export * from './recipes.ts';
export * from './scheme.ts';
export * from './validate.ts';
