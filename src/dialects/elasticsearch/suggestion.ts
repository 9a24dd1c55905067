import { distance } from 'fastest-levenshtein';

/** Names beyond this are no misspelling of anything, and comparing them costs time. */
const LONGEST = 100;

/** Of the candidates those that were probably meant, best first: alike by more than half. */
export function similarNames(name: string, candidates: readonly string[]): readonly string[] {
  if (name.length > LONGEST) return [];
  return candidates
    .map((candidate) => ({
      candidate,
      similarity: 1 - distance(name, candidate) / Math.max(name.length, candidate.length),
    }))
    .filter(({ similarity }) => similarity > 0.5)
    .sort((a, b) => b.similarity - a.similarity || (a.candidate < b.candidate ? -1 : 1))
    .map(({ candidate }) => candidate);
}

/** `did you mean [y]?` or `did you mean any of [a, b]?`; undefined when nothing is alike. */
export function suggestion(name: string, candidates: readonly string[]): string | undefined {
  const similar = similarNames(name, candidates);
  if (similar.length === 0) return undefined;
  return `did you mean ${similar.length === 1 ? '' : 'any of '}[${similar.join(', ')}]?`;
}
