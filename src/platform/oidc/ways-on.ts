/** Where a person can continue from a page that is of no use to them. */
export interface WayOn {
  readonly url: string;
  /** The words of the link. */
  readonly label: string;
  /** The browser goes there by itself. Never back to where the error came from. */
  readonly atOnce?: boolean;
}

/** An error that a person sees, with ways that lead on. Every page has the way to our front page besides. */
export interface LeadsOn {
  readonly ways: readonly WayOn[];
}

/** The ways that an error names, if it is of that kind. */
export function waysOf(error: unknown): readonly WayOn[] {
  return error instanceof Error && 'ways' in error ? (error as Error & LeadsOn).ways : [];
}
