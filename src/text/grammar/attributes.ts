import { type Attribute, type Attributes, isScalarType, scalar, symbol } from '../../ir/index.ts';
import * as t from '../lexer.ts';
import type { Rule } from './terms.ts';
import { TypeGrammar } from './types.ts';

/** Attributes. */
export class AttributeGrammar extends TypeGrammar {
  readonly dictionary: Rule<Attributes> = this.RULE('dictionary', () => {
    const entries: [string, Attribute][] = [];
    this.CONSUME(t.LCurly);
    this.MANY_SEP({
      SEP: t.Comma,
      DEF: () => {
        const key = this.SUBRULE(this.key);
        this.CONSUME(t.Equals);
        const value = this.SUBRULE(this.attribute);
        this.ACTION(() => entries.push([key.text, value]));
      },
    });
    this.CONSUME(t.RCurly);
    return Object.fromEntries(entries);
  });

  readonly list: Rule<Attribute[]> = this.RULE('list', () => {
    const values: Attribute[] = [];
    this.CONSUME(t.LSquare);
    this.MANY_SEP({
      SEP: t.Comma,
      DEF: () => {
        values.push(this.SUBRULE(this.attribute));
      },
    });
    this.CONSUME(t.RSquare);
    return values;
  });

  readonly attribute: Rule<Attribute> = this.RULE('attribute', () => {
    return this.OR([
      { ALT: () => this.SUBRULE(this.signedNumber) },
      { ALT: () => this.SUBRULE(this.list) },
      { ALT: () => this.SUBRULE(this.dictionary) },
      {
        ALT: () => {
          const text = this.CONSUME(t.Text);
          return this.ACTION(() => this.unquoted(text).text);
        },
      },
      {
        ALT: () => {
          const name = this.SUBRULE(this.atName);
          return this.ACTION(() => this.builder.symbolValue(name));
        },
      },
      { ALT: () => this.SUBRULE(this.compoundType) },
      { ALT: () => this.SUBRULE(this.parenthesized) },
      { ALT: () => this.SUBRULE(this.wordValue) },
    ]);
  });

  /** A word as an attribute: a truth value, `inf`, `nan`, a scalar type, or a dimension. */
  readonly wordValue: Rule<Attribute> = this.RULE('wordValue', () => {
    const word = this.CONSUME(t.Word);
    const call = this.OPTION(() => this.SUBRULE(this.dimArguments, { ARGS: [word] }));
    return this.ACTION(() => {
      if (call !== undefined) return call;
      if (word.image === 'true' || word.image === 'false') return word.image === 'true';
      if (word.image === 'inf') return Number.POSITIVE_INFINITY;
      if (word.image === 'nan') return Number.NaN;
      return isScalarType(word.image) ? scalar(word.image) : symbol(word.image);
    });
  });
}
