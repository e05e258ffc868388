import { observerNames } from '../calibrate/index.ts';
import { checkRecipe, parseRecipe, type Recipe, recipeOf, type SchemeName } from '../scheme/index.ts';

/** The recipe that a caller gives, or that a scheme's name stands for. @throws QcError when something in it is wrong */
export function checkedRecipe(scheme: SchemeName | Recipe, where = 'the recipe'): Recipe {
  return checkRecipe(recipeOf(scheme), where, observerNames);
}

/** Reads a recipe from JSON. @throws QcError */
export function readRecipe(text: string, where: string): Recipe {
  return parseRecipe(text, where, observerNames);
}
