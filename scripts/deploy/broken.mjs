import { readFileSync, writeFileSync } from 'node:fs';

/**
 * The text with its first `good` replaced.
 *
 * @param {string} text
 * @param {string} good
 * @param {string} bad
 * @throws if it is not there: then nothing would be broken
 */
export function brokenIn(text, good, bad) {
  if (!text.includes(good)) throw new Error(`there is no "${good}" to break`);
  return text.replace(good, () => bad);
}

/** The same with a file. */
export function breakFile(path, good, bad) {
  writeFileSync(path, brokenIn(readFileSync(path, 'utf8'), good, bad));
}
