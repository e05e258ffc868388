import { WEIGHTS_ALIGNMENT } from './header.ts';
import { wordArray } from './words.ts';

/** Where weights are: in NAME.c as numbers, in a file that the caller loads, or in one that the assembler includes. */
export type WeightsPlace = 'inline' | 'external' | 'incbin';

/** The declaration of weights that another file defines. */
export const weightsDeclaration = (name: string): string => `extern const uint32_t ${name}_weights[];\n\n`;

/** The definition of the weights, if the program holds them. `isShared`: whether other files read them. */
export function weightsText(name: string, blob: Uint8Array, place: WeightsPlace, isShared: boolean): Uint8Array[] {
  if (blob.length === 0 || place === 'external') return [];
  if (place === 'incbin') return [new TextEncoder().encode(incbinText(name))];
  const attributes = `${name}_WEIGHTS_SECTION ${name}_ALIGN(${WEIGHTS_ALIGNMENT}) `;
  const declared = isShared ? [new TextEncoder().encode(weightsDeclaration(name))] : [];
  return [...declared, ...wordArray(`${name}_weights`, blob, `${attributes}${isShared ? '' : 'static '}`)];
}

function incbinText(name: string): string {
  const lines = [
    `/* The weights are ${name}_weights.bin: define ${name}_WEIGHTS_FILE as its path where it is not found. */`,
    `#ifndef ${name}_WEIGHTS_FILE`,
    `#define ${name}_WEIGHTS_FILE "${name}_weights.bin"`,
    '#endif',
    '#if !defined(__GNUC__) || !defined(__ELF__)',
    '#error "an assembler that knows .incbin and ELF is needed: compile the model with other --weights"',
    '#endif',
    `__asm__(".pushsection .rodata.${name}_weights, \\"a\\"\\n"`,
    `        ".balign ${WEIGHTS_ALIGNMENT}\\n"`,
    `        ".globl ${name}_weights\\n"`,
    `        ".hidden ${name}_weights\\n"`,
    `        "${name}_weights:\\n"`,
    `        ".incbin \\"" ${name}_WEIGHTS_FILE "\\"\\n"`,
    '        ".popsection\\n");',
    '',
  ];
  return `${lines.join('\n')}${weightsDeclaration(name)}`;
}
