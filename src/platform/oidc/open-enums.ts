/**
 * Enumerations that logout dialects, grant types and kinds of client authentication add to. A decorator runs before the
 * application is put together, so a DTO names the enumeration by its placeholder, the API document is completed with the
 * values (`web/docs`), and the service checks them.
 */
export const OPEN_ENUMS = {
  terminationCause: ['{termination cause}'],
  logoutDialect: ['{logout dialect}'],
  permission: ['{permission}'],
  grantType: ['{grant type}'],
  clientAuthMethod: ['{client authentication method}'],
} as const satisfies Readonly<Record<string, readonly [string]>>;

export type OpenEnum = keyof typeof OPEN_ENUMS;

/** What class-validator says of `@IsIn(values)`, for values that no decorator knows. */
export function notOneOf(member: string, values: readonly string[], { each = false } = {}): string {
  return `${each ? 'each value in ' : ''}${member} must be one of the following values: ${values.join(', ')}.`;
}
