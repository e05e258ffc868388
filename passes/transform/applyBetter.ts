/** A change at one place of a module, which is made where it lowers an error. */
export interface Candidate {
  /** The node that reports name. */
  readonly where: string | undefined;
  /** The error as things are, and as they would be. */
  readonly errors: () => readonly [before: number, after: number];
  readonly apply: () => void;
}

/**
 * Makes the change of each place where it lowers the error, one after the other; says of the others by how much it would
 * raise it.
 * @param always makes all changes, whatever they do to errors: to compare methods as their papers apply them
 */
export function applyBetter<Place>(
  method: string,
  places: readonly Place[],
  candidateFor: (place: Place) => Candidate,
  always: boolean,
  report: (line: string) => void,
): void {
  let applied = 0;
  for (const place of places) {
    const { where, errors, apply } = candidateFor(place);
    const [before, after] = always ? [1, 0] : errors();
    if (after < before) {
      apply();
      applied++;
    } else {
      report(`${where}: ${method} is refused: it multiplies the error by ${(after / before).toPrecision(3)}`);
    }
  }
  report(`${method}: ${applied} of ${places.length} places`);
}
