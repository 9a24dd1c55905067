/** One page of a list. `nextCursor` is absent on the last one. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | undefined;
}

/** What every list takes. */
export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
}
