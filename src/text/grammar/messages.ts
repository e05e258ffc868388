import type { IParserErrorMessageProvider, IToken, TokenType } from 'chevrotain';

const label = (type: TokenType): string => type.LABEL ?? type.name;

const found = (token: IToken | undefined): string =>
  !token || token.tokenType.name === 'EOF' ? 'the text ends' : `found '${shortened(token.image)}'`;

const shortened = (image: string): string => (image.length > 40 ? `${image.slice(0, 40)}…` : image);

function expected(alternatives: readonly (TokenType | undefined)[]): string {
  const words = [...new Set(alternatives.flatMap((type) => (type ? [label(type)] : [])))];
  return `expected ${words.length > 1 ? `${words.slice(0, -1).join(', ')} or ${words.at(-1)}` : words[0]}`;
}

/** What a user reads when the text does not follow the grammar. */
export const syntaxMessages: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected: type, actual }) => `expected ${label(type)}, ${found(actual)}`,
  buildNotAllInputParsedMessage: ({ firstRedundant }) =>
    `expected func, kernel, symbol, quant, resource or fact, ${found(firstRedundant)}`,
  buildNoViableAltMessage: ({ expectedPathsPerAlt, actual }) =>
    `${expected(expectedPathsPerAlt.flat().map((path) => path[0]))}, ${found(actual[0])}`,
  buildEarlyExitMessage: ({ expectedIterationPaths, actual }) =>
    `${expected(expectedIterationPaths.map((path) => path[0]))}, ${found(actual[0])}`,
};
