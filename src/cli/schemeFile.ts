import { basename, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkedRecipe, readRecipe } from '../api/recipe.ts';
import {
  isRecipeName,
  isSchemeName,
  type Recipe,
  recipeNames,
  recipes,
  type SchemeName,
  schemeNames,
} from '../scheme/index.ts';
import { didYouMean, QcError } from '../support/diagnostics.ts';
import { readFile } from './files.ts';
import { UsageError } from './usage.ts';

const scripts = new Set(['.ts', '.mts', '.js', '.mjs']);

/** What `--scheme` says: a scheme by name, or a recipe from a file. @throws UsageError | QcError */
export async function loadScheme(text: string): Promise<SchemeName | Recipe> {
  if (isSchemeName(text)) return text;
  if (isRecipeName(text)) return recipes[text];
  const extension = extname(text);
  if (extension === '.json') return named(readRecipe(new TextDecoder().decode(readFile(text)), text), text);
  if (scripts.has(extension)) return named(checkedRecipe(await defaultExport(text), text), text);
  throw unknownScheme(text);
}

/** A recipe without a name has that of its file. */
function named(recipe: Recipe, path: string): Recipe {
  return { name: basename(path, extname(path)), ...recipe };
}

/** The default export of a script: `export default defineConfig({…})`. */
async function defaultExport(path: string): Promise<Recipe> {
  readFile(path);
  let content: { default?: unknown };
  try {
    content = await import(pathToFileURL(resolve(path)).href);
  } catch (error) {
    throw new QcError({
      what: 'the recipe cannot be loaded',
      where: path,
      why: error instanceof Error ? error.message : String(error),
      help: 'a .ts file needs Node 22.18 or later; write the recipe as .json otherwise',
    });
  }
  if (content.default !== undefined) return content.default as Recipe;
  throw new QcError({
    what: 'the file has no default export',
    where: path,
    help: "write: import { defineConfig } from 'quantc'; export default defineConfig({ scheme: 'w8a8' });",
  });
}

function unknownScheme(text: string): UsageError {
  const there = `there are: ${[...schemeNames, ...recipeNames].join(', ')}, or a recipe in a .json or .ts file`;
  const near = didYouMean(text, [...schemeNames, ...recipeNames]);
  return new UsageError(`'${text}' is no scheme`, near ? `did you mean '${near}'? ${there}` : there);
}
