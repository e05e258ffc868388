import type { Spread } from './stats.ts';

/** How long to measure. */
export interface Effort {
  readonly rounds: number;
  readonly sliceMilliseconds: number;
  /** About how long the rounds of one whole model may take. */
  readonly modelMilliseconds: number;
  /** Processes that are started for one number. */
  readonly processes: number;
}

/** A figure with the name by which goals and the regression gate find it; the greater the better. */
export type Figures = Readonly<Record<string, Spread>>;

/** The name of the figure that says how much of another the machine allows, as measured in the same run. */
export const limitOf = (figure: string): string => `${figure}: limit`;

export const isLimit = (figure: string): boolean => figure.endsWith(limitOf(''));

export interface SectionResult {
  /** Markdown: tables and what explains them. */
  readonly text: string;
  readonly figures: Figures;
  /** A line for each measurement that there should be and is not: a wrong result, say. */
  readonly failed?: readonly string[];
}

/** A part of the report that can be measured alone. */
export interface Section {
  readonly name: string;
  readonly title: string;
  measure(effort: Effort, models: readonly string[] | undefined): Promise<SectionResult>;
}

/** Options of interleaved rounds. Engines take some tenths of a second until code is optimized. */
export const rounds = ({ rounds, sliceMilliseconds }: Effort) => ({
  rounds,
  sliceMilliseconds,
  warmUpMilliseconds: Math.max(300, 2 * sliceMilliseconds),
});
