/** What a person allowed one application, all in all. */
export interface Consent {
  readonly clientId: string;
  readonly scope: readonly string[];
  readonly claims: readonly string[];
  readonly grantedAt: Date;
}
