import { type Dim, type ElementType, type Layout, symbol, type Type } from '../../ir/index.ts';
import * as t from '../lexer.ts';
import {
  layoutOf,
  type QuantPart,
  quantizedElement,
  refType,
  scalarOf,
  scalarValueType,
  tensorType,
  vectorType,
} from '../typeText.ts';
import { type Rule, spelled, TermGrammar } from './terms.ts';

/** Types. */
export class TypeGrammar extends TermGrammar {
  readonly type: Rule<Type> = this.RULE('type', () => {
    return this.OR([
      { ALT: () => this.SUBRULE(this.compoundType) },
      {
        ALT: () => {
          const word = this.CONSUME(t.Word);
          return this.ACTION(() => scalarValueType(this.builder, spelled(word)));
        },
      },
    ]);
  });

  readonly compoundType: Rule<Type> = this.RULE('compoundType', () => {
    return this.OR([
      { ALT: () => this.SUBRULE(this.tensor) },
      {
        ALT: () => {
          const vector = this.CONSUME(t.VecType);
          return this.ACTION(() => vectorType(this.builder, spelled(vector)));
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.RefOpen);
          const element = this.CONSUME(t.Word);
          this.CONSUME(t.Comma);
          const space = this.CONSUME1(t.Word);
          this.CONSUME(t.Greater);
          return this.ACTION(() => refType(this.builder, spelled(element), spelled(space)));
        },
      },
    ]);
  });

  readonly tensor: Rule<Type> = this.RULE('tensor', () => {
    const shape: Dim[] = [];
    const open = this.CONSUME(t.TensorOpen);
    this.MANY(() => {
      shape.push(this.SUBRULE(this.shapeDim));
    });
    const element = this.SUBRULE(this.element);
    const layout = this.OPTION(() => {
      this.CONSUME(t.Comma);
      return this.SUBRULE(this.layout);
    });
    this.CONSUME(t.Greater);
    return this.ACTION(() => tensorType(this.builder, { at: open.startOffset, shape, element, layout }));
  });

  readonly shapeDim: Rule<Dim> = this.RULE('shapeDim', () => {
    return this.OR([
      {
        ALT: () => {
          const number = this.CONSUME(t.DimNumber);
          return this.ACTION(() => Number(number.image.slice(0, -1)));
        },
      },
      {
        ALT: () => {
          const name = this.CONSUME(t.DimSymbol);
          return this.ACTION(() => symbol(name.image.slice(0, -1)));
        },
      },
      {
        ALT: () => {
          const name = this.CONSUME(t.DimFunction);
          const dim = this.SUBRULE(this.dimArguments, { ARGS: [name] });
          this.CONSUME(t.DimBy);
          return dim;
        },
      },
      {
        ALT: () => {
          const dim = this.SUBRULE(this.parenthesized);
          this.CONSUME1(t.DimBy);
          return dim;
        },
      },
    ]);
  });

  readonly element: Rule<ElementType> = this.RULE('element', () => {
    return this.OR([
      {
        ALT: () => {
          const word = this.CONSUME(t.Element);
          return this.ACTION(() => scalarOf(this.builder, spelled(word)));
        },
      },
      { ALT: () => this.SUBRULE(this.quantized) },
    ]);
  });

  readonly quantized: Rule<ElementType> = this.RULE('quantized', () => {
    const parts: QuantPart[] = [];
    const open = this.CONSUME(t.QuantOpen);
    const storage = this.CONSUME(t.Word);
    this.CONSUME(t.Colon);
    const expressed = this.CONSUME1(t.Word);
    this.MANY(() => {
      this.CONSUME(t.Comma);
      parts.push(this.SUBRULE(this.quantPart));
    });
    this.CONSUME(t.Greater);
    return this.ACTION(() =>
      quantizedElement(this.builder, {
        at: open.startOffset,
        pending: open.image.includes('pending'),
        storage: spelled(storage),
        expressed: spelled(expressed),
        parts,
      }),
    );
  });

  readonly quantPart: Rule<QuantPart> = this.RULE('quantPart', () => {
    return this.OR([
      {
        ALT: () => {
          const name = this.SUBRULE(this.atName);
          return this.ACTION(() => ({ params: this.builder.params(name) }));
        },
      },
      {
        ALT: () => {
          const word = this.CONSUME(t.Word);
          const value = this.OPTION(() => {
            this.CONSUME(t.Equals);
            return this.CONSUME(t.Number_);
          });
          return this.ACTION(() => ({ word: spelled(word), ...(value ? { value: Number(value.image) } : {}) }));
        },
      },
    ]);
  });

  readonly layout: Rule<Layout | undefined> = this.RULE('layout', () => {
    const order: number[] = [];
    const name = this.CONSUME(t.LayoutName);
    this.OPTION(() => {
      this.CONSUME(t.LSquare);
      this.MANY_SEP({
        SEP: t.Comma,
        DEF: () => {
          const axis = this.CONSUME(t.Number_);
          this.ACTION(() => order.push(Number(axis.image)));
        },
      });
      this.CONSUME(t.RSquare);
    });
    const pad = this.OPTION1(() => {
      this.CONSUME(t.Colon);
      return this.CONSUME1(t.Number_);
    });
    return this.ACTION(() => layoutOf(this.builder, spelled(name), order, pad ? Number(pad.image) : 1));
  });
}
