/** The token of an `Authorization: Bearer` header (RFC 6750 §2.1), if there is one. The scheme has no case. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(authorization ?? '')?.[1];
}
