import type { ArgumentMetadata } from '@nestjs/common';
import { createScanner } from 'jsonc-parser';
import { OAuthParametersPipe } from '../../kit/parameters.pipe.js';
import { refuseBadText } from '../../kit/request.guard.js';
import { CspError } from './csp-error.js';

/** What callers send for `idToken`. Ignored, it would be answered 200 and end nothing. */
const ALIASES = ['id_token', 'access_token', 'accessToken', 'token'] as const;

/**
 * The body from its text: a JSON object with `idToken`, a string or null, or one of its other names. Members that are
 * not documented are ignored; one that is sent twice is refused, because two readers could take it for two things.
 */
export class IdTokenBodyPipe extends OAuthParametersPipe {
  override transform(text: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const body = parseIdTokenBody(text);
    refuseBadText(body);
    return super.transform(body, metadata);
  }
}

/** @throws CspError `INVALID_REQUEST_BODY` */
export function parseIdTokenBody(text: unknown): { readonly idToken?: string } {
  const body = typeof text === 'string' ? parsed(text) : undefined;
  if (typeof body !== 'object' || body === null || Array.isArray(body) || hasRepeatedMember(text as string))
    throw new CspError('INVALID_REQUEST_BODY');
  const members = body as Readonly<Record<string, unknown>>;
  const idToken = members.idToken ?? ALIASES.map((name) => members[name]).find((value) => typeof value === 'string');
  if (idToken === undefined || idToken === null) return {};
  if (typeof idToken !== 'string') throw new CspError('INVALID_REQUEST_BODY');
  return { idToken };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's message quotes the text, which may hold a token.
    return undefined;
  }
}

/**
 * Whether the object has a member twice, of which `JSON.parse` would silently take the last. Reads tokens, not a tree: a
 * body of nested brackets would exhaust the stack of a recursive reader.
 */
function hasRepeatedMember(object: string): boolean {
  const names = new Set<string>();
  const scanner = createScanner(object, true);
  let depth = 0;
  let text = '';
  for (scanner.scan(); scanner.getTokenLength() > 0; scanner.scan()) {
    const first = object[scanner.getTokenOffset()];
    if (first === '{' || first === '[') depth += 1;
    else if (first === '}' || first === ']') depth -= 1;
    else if (first === '"') text = scanner.getTokenValue();
    else if (first === ':' && depth === 1) {
      if (names.has(text)) return true;
      names.add(text);
    }
  }
  return false;
}
