/** What a script of this folder prints: milliseconds from its start to the first answer, and the index of its largest output. */
export interface FirstAnswer {
  readonly milliseconds: number;
  readonly best: number;
}

export function printAnswer(start: number, output: ArrayLike<number>): void {
  const milliseconds = performance.now() - start;
  const values = Array.from(output);
  console.log(JSON.stringify({ milliseconds, best: values.indexOf(Math.max(...values)) } satisfies FirstAnswer));
}

/** The f32 values of an input file. */
export function floats(bytes: Uint8Array): Float32Array {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}
