import { EmbeddedActionsParser, type IToken, type ParserMethod } from 'chevrotain';
import { addDim, applyDim, type Dim, isDimFunction, mulDim, subDim, symbol } from '../../ir/index.ts';
import type { ModuleBuilder, Spelled } from '../builder.ts';
import * as t from '../lexer.ts';
import { nameText, unquote } from '../names.ts';
import { syntaxMessages } from './messages.ts';

/** A rule of the grammar that gives a `T`, under arguments `A`. */
export type Rule<T, A extends unknown[] = []> = ParserMethod<A, T>;

/** Names, numbers and dimensions. */
export class TermGrammar extends EmbeddedActionsParser {
  /** Takes what the parse under way reads. */
  builder!: ModuleBuilder;

  constructor() {
    super(t.vocabulary, {
      recoveryEnabled: false,
      maxLookahead: 1,
      skipValidations: true,
      errorMessageProvider: syntaxMessages,
    });
  }

  readonly dimSum: Rule<Dim> = this.RULE('dimSum', () => {
    let sum = this.SUBRULE(this.dimProduct);
    this.MANY(() => {
      const sign = this.OR([{ ALT: () => this.CONSUME(t.Plus) }, { ALT: () => this.CONSUME(t.Minus) }]);
      const term = this.SUBRULE1(this.dimProduct);
      this.ACTION(() => {
        sum = sign.image === '+' ? addDim(sum, term) : subDim(sum, term);
      });
    });
    return sum;
  });

  readonly dimProduct: Rule<Dim> = this.RULE('dimProduct', () => {
    let product = this.SUBRULE(this.dimFactor);
    this.MANY(() => {
      this.CONSUME(t.Star);
      const factor = this.SUBRULE1(this.dimFactor);
      this.ACTION(() => {
        product = mulDim(product, factor);
      });
    });
    return product;
  });

  readonly dimFactor: Rule<Dim> = this.RULE('dimFactor', () => {
    return this.OR([
      {
        ALT: () => {
          this.CONSUME(t.Minus);
          const factor = this.SUBRULE(this.dimFactor);
          return this.ACTION(() => mulDim(factor, -1));
        },
      },
      {
        ALT: () => {
          const number = this.CONSUME(t.Number_);
          return this.ACTION(() => Number(number.image));
        },
      },
      {
        ALT: () => {
          const name = this.CONSUME(t.Text);
          return this.ACTION(() => symbol(this.unquoted(name).text));
        },
      },
      { ALT: () => this.SUBRULE(this.parenthesized) },
      {
        ALT: () => {
          const word = this.CONSUME(t.Word);
          const call = this.OPTION(() => this.SUBRULE(this.dimArguments, { ARGS: [word] }));
          return this.ACTION(() => call ?? symbol(word.image));
        },
      },
    ]);
  });

  readonly dimArguments: Rule<Dim, [IToken]> = this.RULE('dimArguments', (name) => {
    this.CONSUME(t.LParen);
    const a = this.SUBRULE(this.dimSum);
    this.CONSUME(t.Comma);
    const b = this.SUBRULE1(this.dimSum);
    this.CONSUME(t.RParen);
    return this.ACTION(() => {
      if (isDimFunction(name.image)) return applyDim(name.image, a, b);
      throw this.builder.error(name.startOffset, `there is no function '${name.image}' of dimensions`);
    });
  });

  readonly parenthesized: Rule<Dim> = this.RULE('parenthesized', () => {
    this.CONSUME(t.LParen);
    const dim = this.SUBRULE(this.dimSum);
    this.CONSUME(t.RParen);
    return dim;
  });

  readonly signedNumber: Rule<number> = this.RULE('signedNumber', () => {
    return this.OR([
      {
        ALT: () => {
          this.CONSUME(t.Minus);
          const value = this.SUBRULE(this.number);
          return this.ACTION(() => -value);
        },
      },
      {
        ALT: () => {
          const number = this.CONSUME(t.Number_);
          return this.ACTION(() => Number(number.image));
        },
      },
    ]);
  });

  /** Any number, its sign and `inf` and `nan` included. */
  readonly number: Rule<number> = this.RULE('number', () => {
    return this.OR([
      { ALT: () => this.SUBRULE(this.signedNumber) },
      {
        ALT: () => {
          const word = this.CONSUME(t.Word);
          return this.ACTION(() => {
            if (word.image === 'inf') return Number.POSITIVE_INFINITY;
            if (word.image === 'nan') return Number.NaN;
            throw this.builder.error(word.startOffset, `'${word.image}' is no number`);
          });
        },
      },
    ]);
  });

  readonly key: Rule<Spelled> = this.RULE('key', () => {
    const token = this.OR([{ ALT: () => this.CONSUME(t.Word) }, { ALT: () => this.CONSUME(t.Text) }]);
    return this.ACTION(() => this.unquoted(token));
  });

  readonly atName: Rule<Spelled> = this.RULE('atName', () => {
    const token = this.CONSUME(t.AtName);
    return this.ACTION(() => this.unquoted(token, 1));
  });

  /** A value's name in canonical text: quoted only where it has to be, a number where the value has no name. */
  readonly valueName: Rule<Spelled> = this.RULE('valueName', () => {
    const token = this.CONSUME(t.ValueName);
    return this.ACTION(() => {
      const text = token.image.slice(1);
      const quoted = text.startsWith('"');
      return { text: quoted ? nameText(this.unquoted(token, 1).text) : text, offset: token.startOffset };
    });
  });

  /** The token without its first `from` characters and without quotes. */
  protected unquoted(token: IToken, from = 0): Spelled {
    try {
      return { text: unquote(token.image.slice(from)), offset: token.startOffset };
    } catch {
      throw this.builder.error(token.startOffset, `${token.image} has an escape that is not known`);
    }
  }
}

/** The token's text and place. */
export const spelled = (token: IToken): Spelled => ({ text: token.image, offset: token.startOffset });
