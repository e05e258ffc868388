import { attr, type Module, type Op } from '../../src/ir/index.ts';
import {
  type Budget,
  isStatic,
  type LayerChoice,
  layerChoice,
  patternsOf,
  type Recipe,
  recipeFromText,
  type WeightStorage,
} from '../../src/scheme/index.ts';
import { loadWidth } from './chosenWidths.ts';
import { keptInFloat } from './keptInFloat.ts';

/** The option of passes that treat layers differently: a scheme's name, or a recipe as JSON; empty: the scheme w8a8 for all. */
export const recipeOption = attr.string('');

/** How each layer of a module is to be stored. */
export class LayerSchemes {
  readonly #recipe: Recipe;
  readonly #skipped: ReadonlySet<Op>;
  readonly #module: Module;
  readonly #choices = new Map<string, LayerChoice>();
  /** Ops that do not become integer arithmetic between static codes. */
  readonly notStatic: ReadonlySet<Op>;

  /**
   * @param skip patterns of further layers that stay float
   * @throws QcError for a pattern that names no layer
   */
  constructor(module: Module, recipe: string, skip: readonly string[]) {
    this.#module = module;
    this.#recipe = recipe === '' ? { scheme: 'w8a8' } : recipeFromText(recipe);
    keptInFloat(module, patternsOf(this.#recipe));
    this.#skipped = keptInFloat(module, skip);
    this.notStatic = new Set([...module.main.body.ops()].filter((op) => !isStatic(this.of(op))));
  }

  /** What layers with stored weights may take. */
  get budget(): Budget | undefined {
    return this.#recipe.budget;
  }

  of(op: Op): LayerChoice {
    if (this.#skipped.has(op)) return { reason: 'kept in float' };
    const known = this.#choices.get(op.source);
    if (known) return known;
    const choice = this.#within(layerChoice(this.#recipe, op.source), op.source);
    this.#choices.set(op.source, choice);
    return choice;
  }

  /** With the width that the budget gives it. */
  #within(choice: LayerChoice, source: string): LayerChoice {
    const bits = loadWidth(this.#module, source);
    if (bits === undefined || !choice.weights) return choice;
    return { ...choice, weights: { ...choice.weights, storage: `i${bits}` as WeightStorage } };
  }
}
