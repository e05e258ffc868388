import { existsSync, readFileSync } from 'node:fs';

/** What generates stories: a model and the pieces of its vocabulary, which are not part of the project. */
export const sharedFiles = '../shared';
export const hasShared = existsSync(`${sharedFiles}/models`);

interface Vocabulary {
  /** Bytes as latin1 characters. */
  readonly pieces: readonly string[];
  /** The pair that makes the piece with the highest score is joined first. */
  readonly scores: readonly number[];
}

const textOf = (piece: string) =>
  /^<0x..>$/.test(piece)
    ? piece
    : new TextDecoder().decode(Uint8Array.from(piece, (c) => c.charCodeAt(0))).replaceAll(' ', '▁');

/** The vocabulary as a tokenizer.json, as SentencePiece's BPE is written there: with bytes for what has no piece. */
export function storiesTokenizer(): object {
  const { pieces, scores } = JSON.parse(readFileSync(`${sharedFiles}/data/stories/vocab.json`, 'utf8')) as Vocabulary;
  const names = pieces.map(textOf).with(1, '<s>').with(2, '</s>');
  const vocab = Object.fromEntries(names.map((name, i) => [name, i]));
  const merges = names.flatMap((name, i) => {
    const letters = [...name];
    if (i < 259) return [];
    return letters.slice(1).flatMap((_, at): [string, number][] => {
      const [left, right] = [letters.slice(0, at + 1).join(''), letters.slice(at + 1).join('')];
      return left in vocab && right in vocab ? [[`${left} ${right}`, scores[i] as number]] : [];
    });
  });
  const special = (id: number) => ({
    ...{ id, content: names[id], special: true },
    ...{ single_word: false, lstrip: false, rstrip: false, normalized: false },
  });
  return {
    version: '1.0',
    added_tokens: [special(0), special(1), special(2)],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 0 } }],
      special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      unk_token: '<unk>',
      fuse_unk: true,
      byte_fallback: true,
      vocab,
      merges: merges.sort((a, b) => b[1] - a[1]).map(([pair]) => pair),
    },
  };
}

/** The growing caches of stories260K_kv. */
export const storiesStates = [0, 1, 2, 3, 4].flatMap((layer) =>
  ['k', 'v'].map((which) => `present_${which}_${layer}=past_${which}_${layer}:append axis=2 max=512`),
);
