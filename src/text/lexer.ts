import { createToken, type ITokenConfig, Lexer, type TokenType } from 'chevrotain';

/** A token; `label` is what messages call it. */
const token = (name: string, label: string, pattern: RegExp, more: Partial<ITokenConfig> = {}): TokenType =>
  createToken({ name, label, pattern, ...more });

const category = (name: string, label: string): TokenType => createToken({ name, label, pattern: Lexer.NA });

const quoted = '"(?:[^"\\\\\\n]|\\\\.)*"';
const named = `(?:[A-Za-z_][\\w$]*(?:[./-][\\w$]+)*|${quoted})`;
const scalars =
  'f64|f32|f16|bf16|f8e4m3fn|f8e4m3fnuz|f8e5m2|f8e5m2fnuz|f8e8m0|f4e2m1|[iu](?:64|32|16|8|4|2)|i1|c64|c128|string|index';

const blank = [
  token('Space', 'space', /[ \t\r\n]+/, { group: Lexer.SKIPPED, line_breaks: true }),
  token('Comment', 'comment', /\/\/[^\n]*/, { group: Lexer.SKIPPED }),
];

export const Word = token('Word', 'a word', /[A-Za-z_][\w$]*/);
export const OpName = token('OpName', "an op's name", /[A-Za-z_][\w$]*\.[\w$][\w.$]*/);
export const ValueName = token('ValueName', 'a value', new RegExp(`%(?:\\d+(?![\\w$])|${named})`));
export const AtName = token('AtName', 'a name after @', new RegExp(`@${named}`));
export const Text = token('Text', 'a quoted text', new RegExp(quoted));
export const Number_ = token('Number', 'a number', /\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/);
export const Absent = token('Absent', '_', /_(?![\w$])/);

/** A word that is reserved only where a line of the module begins, or after what it goes with. */
const keyword = (word: string): TokenType =>
  token(`Keyword_${word}`, word, new RegExp(`${word}(?![\\w$.])`), { categories: Word });

export const keywords = {
  func: keyword('func'),
  kernel: keyword('kernel'),
  symbol: keyword('symbol'),
  state: keyword('state'),
  quant: keyword('quant'),
  resource: keyword('resource'),
  fact: keyword('fact'),
  in: keyword('in'),
  base64: keyword('base64'),
  file: keyword('file'),
  random: keyword('random'),
  loc: keyword('loc'),
};

export const LayoutName = token('LayoutName', 'a layout', /#[a-z]+/);
export const VecType = token('VecType', 'a vector type', /vec<\d+x[a-z0-9]+>/);
export const RefOpen = token('RefOpen', 'ref<', /ref</);

export const LParen = category('LParen', '(');
export const RParen = category('RParen', ')');
const parenOpen = token('ParenOpen', '(', /\(/, { categories: LParen });
const parenClose = token('ParenClose', ')', /\)/, { categories: RParen });
export const LCurly = token('LCurly', '{', /\{/);
export const RCurly = token('RCurly', '}', /\}/);
export const LSquare = token('LSquare', '[', /\[/);
export const RSquare = token('RSquare', ']', /\]/);
export const Greater = token('Greater', '>', />/);
export const Arrow = token('Arrow', '->', /->/);
export const Range = token('Range', '..', /\.\./);
export const Comma = token('Comma', ',', /,/);
export const Colon = token('Colon', ':', /:/);
export const Equals = token('Equals', '=', /=/);
export const Plus = token('Plus', '+', /\+/);
export const Minus = token('Minus', '-', /-/);
export const Star = token('Star', '*', /\*/);
export const Caret = token('Caret', '^', /\^/);

/** `tensor<` begins a shape, in which `x` ends every dimension; the element type ends it. */
export const TensorOpen = token('TensorOpen', 'tensor<', /tensor</, { push_mode: 'shape' });
export const DimNumber = token('DimNumber', 'a dimension', /\d+x/);
export const DimFunction = token('DimFunction', 'a function', /(?:floordiv|mod|min|max)(?=\()/);
export const DimSymbol = token('DimSymbol', 'a dimension', /[A-Za-wyz_][A-Za-wyz0-9_]*x/);
export const DimBy = token('DimBy', 'x', /x/);
export const Element = token('Element', 'an element type', new RegExp(`(?:${scalars})(?=\\s*[,>])`), {
  pop_mode: true,
});
export const QuantOpen = token('QuantOpen', '!quant<', /!quant(?:\.pending)?</, { pop_mode: true });
const dimOpen = token('DimOpen', '(', /\(/, { categories: LParen, push_mode: 'dim' });
const dimClose = token('DimClose', ')', /\)/, { categories: RParen, pop_mode: true });

const operators = [Plus, Minus, Star, Comma];
const main = [
  ...blank,
  ...[TensorOpen, VecType, RefOpen, OpName, ...Object.values(keywords), Absent, Word, ValueName, AtName, Text, Number_],
  ...[parenOpen, parenClose, LCurly, RCurly, LSquare, RSquare, Greater, Arrow, Range, Colon, Equals, Caret],
  ...[LayoutName, ...operators],
];

/** Every token that the grammar names. */
export const vocabulary: TokenType[] = [
  ...new Set([
    ...main,
    LParen,
    RParen,
    DimNumber,
    DimFunction,
    DimSymbol,
    DimBy,
    Element,
    QuantOpen,
    dimOpen,
    dimClose,
  ]),
];

export const lexer: Lexer = new Lexer(
  {
    defaultMode: 'main',
    modes: {
      main,
      shape: [...blank, Element, QuantOpen, DimNumber, DimFunction, DimSymbol, DimBy, dimOpen],
      dim: [...blank, dimOpen, dimClose, Word, Text, Number_, ...operators],
    },
  },
  { positionTracking: 'onlyOffset', ensureOptimizations: true },
);
