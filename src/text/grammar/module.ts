import { tokenMatcher } from 'chevrotain';
import type { Block, Type, Value } from '../../ir/index.ts';
import type { ResourceHead, Spelled } from '../builder.ts';
import * as t from '../lexer.ts';
import { unquote } from '../names.ts';
import { AttributeGrammar } from './attributes.ts';
import { type Rule, spelled } from './terms.ts';

/** The grammar of the text form; its actions hand what they read to the builder. */
export class ModuleGrammar extends AttributeGrammar {
  constructor() {
    super();
    this.performSelfAnalysis();
  }

  readonly module: Rule<void> = this.RULE('module', () => {
    this.MANY(() => {
      this.OR([
        { ALT: () => this.SUBRULE(this.symbolLine) },
        { ALT: () => this.SUBRULE(this.stateLine) },
        { ALT: () => this.SUBRULE(this.paramsLine) },
        { ALT: () => this.SUBRULE(this.resourceLine) },
        { ALT: () => this.SUBRULE(this.factLine) },
        { ALT: () => this.SUBRULE(this.func) },
      ]);
    });
  });

  readonly symbolLine: Rule<void> = this.RULE('symbolLine', () => {
    this.CONSUME(t.keywords.symbol);
    const name = this.SUBRULE(this.key);
    this.CONSUME(t.keywords.in);
    const min = this.SUBRULE(this.number);
    this.CONSUME(t.Range);
    const max = this.SUBRULE1(this.number);
    this.ACTION(() => this.builder.addSymbol(name, min, max));
  });

  readonly stateLine: Rule<void> = this.RULE('stateLine', () => {
    this.CONSUME(t.keywords.state);
    const output = this.SUBRULE(this.key);
    this.CONSUME(t.Arrow);
    const input = this.SUBRULE1(this.key);
    const append = this.OPTION(() => this.SUBRULE(this.dictionary));
    this.ACTION(() => this.builder.addState(output, input, append));
  });

  readonly paramsLine: Rule<void> = this.RULE('paramsLine', () => {
    this.CONSUME(t.keywords.quant);
    const name = this.SUBRULE(this.atName);
    const values = this.SUBRULE(this.dictionary);
    this.ACTION(() => this.builder.addParams(name, values));
  });

  readonly factLine: Rule<void> = this.RULE('factLine', () => {
    this.CONSUME(t.keywords.fact);
    const name = this.SUBRULE(this.key);
    this.CONSUME(t.Equals);
    const resource = this.SUBRULE(this.atName);
    this.ACTION(() => this.builder.addFact(name, resource));
  });

  readonly resourceLine: Rule<void> = this.RULE('resourceLine', () => {
    this.CONSUME(t.keywords.resource);
    const name = this.SUBRULE(this.atName);
    this.CONSUME(t.Colon);
    const element = this.CONSUME(t.Word);
    this.CONSUME(t.LSquare);
    const length = this.CONSUME(t.Number_);
    this.CONSUME(t.RSquare);
    this.CONSUME(t.Equals);
    const head = this.ACTION(() => ({ name, element: spelled(element), length: Number(length.image) }));
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.keywords.base64);
          const content = this.CONSUME(t.Text);
          this.ACTION(() => this.builder.addInline(head, this.unquoted(content)));
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.keywords.file);
          const start = this.CONSUME1(t.Number_);
          const hash = this.CONSUME1(t.Text);
          this.ACTION(() => this.builder.addFromFile(head, Number(start.image), this.unquoted(hash)));
        },
      },
      { ALT: () => this.SUBRULE(this.randomValues, { ARGS: [head] }) },
    ]);
  });

  readonly randomValues: Rule<void, [ResourceHead]> = this.RULE('randomValues', (head) => {
    this.CONSUME(t.keywords.random);
    this.CONSUME(t.LParen);
    const seed = this.SUBRULE(this.number);
    const range = this.OPTION(() => {
      this.CONSUME(t.Comma);
      const low = this.SUBRULE1(this.number);
      this.CONSUME1(t.Comma);
      const high = this.SUBRULE2(this.number);
      return { low, high };
    });
    this.CONSUME(t.RParen);
    this.ACTION(() => this.builder.addRandom(head, seed, range));
  });

  readonly func: Rule<void> = this.RULE('func', () => {
    const kind = this.OR([
      { ALT: () => this.CONSUME(t.keywords.func) },
      { ALT: () => this.CONSUME(t.keywords.kernel) },
    ]);
    const name = this.SUBRULE(this.atName);
    const func = this.ACTION(() => this.builder.beginFunction(name, kind.image as 'func' | 'kernel'));
    const body = this.ACTION(() => func.body);
    this.SUBRULE(this.blockArguments, { ARGS: [body] });
    this.OPTION(() => {
      this.CONSUME(t.Arrow);
      this.CONSUME(t.LParen);
      this.MANY_SEP({
        SEP: t.Comma,
        DEF: () => {
          const result = this.OPTION1(() => {
            const named = this.SUBRULE(this.valueName);
            this.CONSUME(t.Colon);
            return named;
          });
          const type = this.SUBRULE(this.type);
          this.ACTION(() => {
            if (result) func.resultNames[func.resultTypes.length] = unquote(result.text);
            func.resultTypes.push(type);
          });
        },
      });
      this.CONSUME(t.RParen);
    });
    this.CONSUME(t.LCurly);
    this.SUBRULE(this.ops, { ARGS: [body] });
    this.CONSUME(t.RCurly);
    this.ACTION(() => this.builder.leaveScope());
  });

  readonly blockArguments: Rule<void, [Block]> = this.RULE('blockArguments', (block) => {
    this.CONSUME(t.LParen);
    this.MANY_SEP({
      SEP: t.Comma,
      DEF: () => {
        const name = this.SUBRULE(this.valueName);
        this.CONSUME(t.Colon);
        const type = this.SUBRULE(this.type);
        this.ACTION(() => this.builder.addArgument(block, name, type));
      },
    });
    this.CONSUME(t.RParen);
  });

  readonly ops: Rule<void, [Block]> = this.RULE('ops', (block) => {
    this.MANY(() => this.SUBRULE(this.op, { ARGS: [block] }));
  });

  readonly region: Rule<void, [Block]> = this.RULE('region', (block) => {
    this.CONSUME(t.LCurly);
    this.ACTION(() => this.builder.enterScope());
    this.OPTION(() => {
      this.CONSUME(t.Caret);
      this.SUBRULE(this.blockArguments, { ARGS: [block] });
      this.CONSUME(t.Colon);
    });
    this.SUBRULE(this.ops, { ARGS: [block] });
    this.CONSUME(t.RCurly);
    this.ACTION(() => this.builder.leaveScope());
  });

  readonly op: Rule<void, [Block]> = this.RULE('op', (block) => {
    const results: Spelled[] = [];
    this.OPTION(() => {
      this.AT_LEAST_ONE_SEP({
        SEP: t.Comma,
        DEF: () => {
          const name = this.SUBRULE(this.valueName);
          this.ACTION(() => results.push(name));
        },
      });
      this.CONSUME(t.Equals);
    });
    const name = this.CONSUME(t.OpName);
    const operands = this.OPTION1({ GATE: () => !this.#atResults(), DEF: () => this.SUBRULE(this.operands) });
    const attributes = this.OPTION2(() => this.SUBRULE(this.dictionary));
    const types = this.OPTION3(() => {
      this.CONSUME(t.Colon);
      return this.SUBRULE(this.types);
    });
    const op = this.ACTION(() =>
      this.builder.addOp(block, spelled(name), {
        results,
        operands: operands ?? [],
        attributes: attributes ?? {},
        types: types ?? [],
      }),
    );
    this.OPTION4(() => {
      this.CONSUME(t.LParen);
      this.AT_LEAST_ONE_SEP1({
        SEP: t.Comma,
        DEF: () => {
          const region = this.ACTION(() => this.builder.addRegion(op));
          this.SUBRULE(this.region, { ARGS: [region] });
        },
      });
      this.CONSUME(t.RParen);
    });
    this.OPTION5(() => {
      this.CONSUME(t.keywords.loc);
      this.CONSUME1(t.LParen);
      const source = this.CONSUME(t.Text);
      this.CONSUME1(t.RParen);
      this.ACTION(() => {
        op.source = this.unquoted(source).text;
      });
    });
  });

  readonly operands: Rule<(Value | undefined)[]> = this.RULE('operands', () => {
    const operands: (Value | undefined)[] = [];
    this.AT_LEAST_ONE_SEP({
      SEP: t.Comma,
      DEF: () => {
        this.OR([
          {
            ALT: () => {
              const name = this.SUBRULE(this.valueName);
              this.ACTION(() => operands.push(this.builder.value(name)));
            },
          },
          {
            ALT: () => {
              this.CONSUME(t.Absent);
              operands.push(undefined);
            },
          },
        ]);
      },
    });
    return operands;
  });

  readonly types: Rule<Type[]> = this.RULE('types', () => {
    const types: Type[] = [];
    this.AT_LEAST_ONE_SEP({
      SEP: t.Comma,
      DEF: () => {
        types.push(this.SUBRULE(this.type));
      },
    });
    return types;
  });

  /** Whether the next tokens are the results of the next op: names, then `=`. */
  #atResults(): boolean {
    let i = 1;
    while (tokenMatcher(this.LA(i), t.ValueName) && tokenMatcher(this.LA(i + 1), t.Comma)) i += 2;
    return tokenMatcher(this.LA(i), t.ValueName) && tokenMatcher(this.LA(i + 1), t.Equals);
  }
}
