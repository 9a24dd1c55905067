import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { newSecret, sha256 } from '../../platform/oidc/secret.js';
import type { AuthorizationRequest } from './authorization-request.js';
import { PushedRequestRepository, type PushedParameters } from './pushed-request.repository.js';

/** RFC 9126 §2.2: a name, and no address that anything could be fetched from. */
const PREFIX = 'urn:ietf:params:oauth:request_uri:';
/** Long enough for an application that shows a page in between (RFC 9126 §2.2: 5 to 600). */
export const PUSHED_REQUEST_SECONDS = 300;

/** A pushed request that a browser has come with. */
export interface PushedRequest {
  readonly parameters: PushedParameters;
  /** What an {@link AuthorizationRequest} remembers it by. */
  readonly reference: string;
  /** Whether it was answered before. */
  readonly used: boolean;
}

/**
 * Authorization requests that clients push ahead of the browser: bound to the client, good for five minutes, answered once
 * (docs/threat-model.md#pushed-request-used-twice).
 *
 * It is used up when the response is issued, in the same transaction, and not when a page is loaded: a person may reload it, come
 * back to it, or be away at another provider (FAPI 2.0 Security Profile §5.3.2.2).
 *
 * @see [RFC 9126](https://www.rfc-editor.org/rfc/rfc9126#section-2) §2, §4
 */
@Injectable()
export class PushedRequests {
  constructor(
    private readonly repository: PushedRequestRepository,
    private readonly clock: Clock,
  ) {}

  /** Keeps the request. @returns its `request_uri` */
  async push(clientId: string, parameters: PushedParameters): Promise<string> {
    const secret = newSecret();
    await this.repository.insert(sha256(secret), clientId, parameters, this.clock.in(PUSHED_REQUEST_SECONDS * 1000));
    return PREFIX + secret;
  }

  /** Undefined when there is none by this `request_uri`, it has expired, or it is another client's. */
  async find(clientId: string, requestUri: string): Promise<PushedRequest | undefined> {
    if (!isPushed(requestUri)) return undefined;
    const hash = sha256(requestUri.slice(PREFIX.length));
    const stored = await this.repository.find(hash, clientId, this.clock.now());
    if (stored === undefined) return undefined;
    return { parameters: stored.parameters, reference: hash.toString('base64url'), used: stored.usedAt !== null };
  }

  /** Whether the request was pushed, and has been answered or is gone. */
  async isUsed({ pushed }: AuthorizationRequest): Promise<boolean> {
    return pushed !== undefined && (await this.repository.isUsed(pushedHashOf(pushed)));
  }

  /** Uses it up for a response that is an error. False when it was used up before. A request that was not pushed is none. */
  async use({ pushed }: AuthorizationRequest): Promise<boolean> {
    return pushed === undefined || this.repository.use(pushedHashOf(pushed), this.clock.now());
  }
}

/** Whether it is the `request_uri` of a pushed request, and no address. */
export function isPushed(requestUri: string): boolean {
  return requestUri.startsWith(PREFIX);
}

/** What is stored of a pushed request, by what an {@link AuthorizationRequest} remembers. */
export function pushedHashOf(reference: string): Buffer {
  return Buffer.from(reference, 'base64url');
}
