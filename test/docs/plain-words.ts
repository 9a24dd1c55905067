import { lineOf, type Text } from './repository.js';

/** Private words, and what the glossary says instead. */
const PRIVATE_WORDS: ReadonlyArray<readonly [word: RegExp, instead: string]> = [
  [/\b(?:nobody|somebody)\b/gi, 'name who: the client, the person, an operator, no session'],
  [
    /\b(?:whoever|whomever)\b|(?<!\b(?:about|by|for|from|of|to) )\bwhom\b/gi,
    'name who: the caller, the owner, the sender',
  ],
  [/\b(?:told|hears?|heard)\b/gi, 'is notified, learns'],
  [/\b(?:owed?|owes)\b/gi, 'pending, is notified'],
  [/(?<!\b(?:ahead|behind|instead) )\bof ours\b/gi, 'our'],
  [/\b(?:whither|anew|thither|hither)\b/gi, 'where to, again'],
  [/\bsurplus\b/gi, 'beyond the concurrent-session limit'],
];

/** The comments of a source, with everything else blank, so that positions stay. Inline code is not prose. */
export function commentsOf(source: string): string {
  const blank = (text: string): string => text.replace(/[^\n]/g, ' ');
  let prose = '';
  let end = 0;
  for (const { index, 0: token, groups } of source.matchAll(
    /(?<code>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|\/(?![*/])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/)|(?<comment>\/\*[\s\S]*?\*\/|\/\/[^\n]*)/g,
  )) {
    if (groups?.comment === undefined) continue;
    prose +=
      blank(source.slice(end, index)) + token.replace(/`[^`\n]*`|\{@link [^}]*\}|https?:\S+|\bdocs\/\S+/g, blank);
    end = index + token.length;
  }
  return prose + blank(source.slice(end));
}

/** Private words in comments, as `path:line: word: say …`. */
export function privateWords(texts: readonly Text[]): string[] {
  return texts.flatMap(({ path, content }) => {
    const comments = commentsOf(content);
    return PRIVATE_WORDS.flatMap(([word, instead]) =>
      [...comments.matchAll(word)].map(
        ({ index, 0: found }) => `${path}:${lineOf(content, index)}: ${found}: say ${instead}`,
      ),
    );
  });
}
