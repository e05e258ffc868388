import type { Op } from '../../src/ir/index.ts';

// The functions of a program that has no float anywhere else: they turn its inputs into codes and codes into its outputs.

const inputPrefix = 'quantize_input_';
const outputPrefix = 'dequantize_output_';

const identifier = (name: string): string => name.replace(/\W+/g, '_');

/** The function that turns an input into codes. */
export const inputFunction = (name: string): string => inputPrefix + identifier(name);

/** The function that makes an output of codes. */
export const outputFunction = (name: string): string => outputPrefix + identifier(name);

/** Whether a function has the name of one of these. */
export function isBorderFunction(name: string): boolean {
  return name.startsWith(inputPrefix) || name.startsWith(outputPrefix);
}

/** The function that an op at the border is to have for itself; undefined for other ops. */
export function borderOf(op: Op): string | undefined {
  const { border } = op.attributes;
  return typeof border === 'string' && border !== '' ? border : undefined;
}
