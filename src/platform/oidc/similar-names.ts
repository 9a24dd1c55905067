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

/** What is wrong with a member that is not known, for its sender: its name, and the one that was probably meant. */
export function unknownMember(name: string, known: readonly string[]): string {
  const [meant] = similarNames(name, known);
  const shown = name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name;
  return `${shown} is not known here${meant === undefined ? '' : ` (did you mean ${meant}?)`}`;
}
