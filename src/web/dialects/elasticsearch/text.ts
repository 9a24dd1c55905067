/** Blank counts as absent. */
export function hasText(text: string | undefined): text is string {
  return text !== undefined && text.trim() !== '';
}
