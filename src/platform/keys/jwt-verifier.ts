import { Injectable } from '@nestjs/common';
import { compactVerify, decodeProtectedHeader, errors, type JWTPayload } from 'jose';
import type { JwtType } from './jwt-signer.js';
import { KeysService } from './keys.service.js';

/** What a JWT that we signed says, and the key that signed it. */
export interface VerifiedJwt {
  readonly claims: JWTPayload;
  readonly kid: string;
}

/**
 * Verifies JWTs that we signed ourselves: our key by `kid`, that key's algorithm and no other, and the exact `typ`, so
 * that an ID token is never taken for an access token nor a logout token for either (docs/threat-model.md#foreign-hint,
 * docs/threat-model.md#token-confusion).
 *
 * Says nothing about `exp`, `aud` or revocation: those are the caller's.
 */
@Injectable()
export class JwtVerifier {
  constructor(private readonly keys: KeysService) {}

  /** `undefined` for anything that is not such a token. @throws only when keys cannot be read. */
  async verify(token: string, typ: JwtType): Promise<VerifiedJwt | undefined> {
    const header = headerOf(token);
    if (header?.typ !== typ || typeof header.kid !== 'string') return undefined;
    const key = await this.keys.verificationKey(header.kid);
    if (key === undefined) return undefined;
    try {
      const { payload } = await compactVerify(token, key.publicKey, { algorithms: [key.alg] });
      const claims: unknown = JSON.parse(new TextDecoder().decode(payload));
      return typeof claims === 'object' && claims !== null && !Array.isArray(claims)
        ? { claims: claims as JWTPayload, kid: key.kid }
        : undefined;
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }
}

function headerOf(token: string): { readonly typ?: unknown; readonly kid?: unknown } | undefined {
  if (token.length > 16_384) return undefined;
  try {
    return decodeProtectedHeader(token);
  } catch {
    // Not a JWS at all, so not one that we signed.
    return undefined;
  }
}
