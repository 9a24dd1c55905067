import { HttpException, Logger } from '@nestjs/common';
import { warnOf } from '../../platform/database/storage-log.js';
import { codeOf, isRefusedValue, isStorageAway, isStorageFailure } from '../../platform/database/storage-errors.js';
import { withLogFields } from '../../platform/logging/log-fields.js';
import { InvalidRequestError, ProtocolError, TemporarilyUnavailableError } from '../../platform/oidc/errors.js';
import { requestIdOf, type IdentifiedRequest } from './observation/identified-request.js';

/** An error as an edge may show it: what is safe to say, with an id that leads to the log line. */
export interface Failure {
  readonly status: number;
  readonly code: string;
  readonly description: string;
  readonly retryAfterSeconds: number | undefined;
  /** One on every page, in every body, in the header `X-Request-Id` and in the log, so that an operator finds the line by it. */
  readonly requestId: string;
  readonly error: unknown;
}

/** How an edge wants a failure on record. */
export interface Noting {
  readonly logger: Logger;
  readonly request: IdentifiedRequest;
  /** A person is shown the id of a refusal and may quote it: the line is written at `info`. */
  readonly referenceIsShown?: boolean;
}

/**
 * Sorts an error into: the request is wrong (its own words, or a value that storage does not take), storage is away
 * (503, never success), or our own fault (500, no detail). Writes one log line; the level says whose mistake it was.
 */
export function toFailure(error: unknown, noting: Noting): Failure {
  const requestId = requestIdOf(noting.request);
  const shown = shownAs(error);
  const failure: Failure = {
    status: shown.status,
    code: shown.code,
    description: shown.description,
    retryAfterSeconds:
      'retryAfterSeconds' in shown && typeof shown.retryAfterSeconds === 'number' ? shown.retryAfterSeconds : undefined,
    requestId,
    error,
  };
  withLogFields({ request_id: requestId }, () => note(failure, noting));
  return failure;
}

function note(failure: Failure, { logger, referenceIsShown = false }: Noting): void {
  const { error, requestId } = failure;
  if (isStorageAway(error)) {
    warnOf(logger, `request ${requestId} failed`, error, requestId);
  } else if (failure.status >= 500) {
    logger.error(
      `request ${requestId} failed: ${codeOf(error)}`,
      error instanceof Error ? stackWithoutMessage(error) : undefined,
    );
  } else if (isRefusedValue(error)) {
    // Our own checks should have seen it first, so an operator should look into it; there is no need for an alert.
    logger.warn(`request ${requestId} refused: a value that storage does not take (${codeOf(error)})`);
  } else {
    const line = `request ${requestId} refused: ${failure.status} ${failure.code}: ${failure.description}`;
    if (referenceIsShown) logger.log(line);
    else logger.debug(line);
  }
}

/** Why something was refused or failed, for a record or a log line. Our own words: a driver's message may quote values. */
export function reasonOf(error: unknown): string {
  if (error instanceof ProtocolError) return error.description;
  if (isRefusedValue(error)) return 'a value that cannot be stored';
  return isStorageFailure(error) ? 'storage failed' : 'a fault of ours';
}

/** Not that nothing was changed: a connection may be lost between a commit and the word of it. */
export const STORAGE_IS_AWAY = 'Storage cannot be reached, so nothing is confirmed. Please try again.';

interface Shown {
  readonly status: number;
  readonly code: string;
  readonly description: string;
}

function shownAs(error: unknown): Shown {
  if (error instanceof ProtocolError) return error;
  if (isRefusedValue(error)) return new InvalidRequestError('The request has a value that cannot be stored.');
  if (isStorageFailure(error)) return new TemporarilyUnavailableError(STORAGE_IS_AWAY);
  const status = statusOf(error);
  if (status !== undefined && status < 500)
    return {
      status,
      code: CODES[status] ?? 'invalid_request',
      description: isUnreadableJson(error)
        ? 'The body is not valid JSON.'
        : (WORDS[status] ?? 'The request is not valid.'),
    };
  return { status: 500, code: 'server_error', description: 'Something went wrong on our side.' };
}

const CODES: Readonly<Record<number, string>> = {
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'request_too_large',
  415: 'unsupported_media_type',
};
const WORDS: Readonly<Record<number, string>> = {
  404: 'There is nothing at this address.',
  405: 'This address does not take this method; Allow says which it takes.',
  413: 'The request is too large.',
  415: 'The media type of the request is not supported.',
};

/** The status that Nest or a body parser gave. */
function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { status?: unknown } | null)?.status;
  return typeof status === 'number' && status >= 400 && status < 600 ? status : undefined;
}

/** By the body parser's own mark; Nest wraps what it threw. Its message quotes the body, so it is not shown. */
function isUnreadableJson(error: unknown): boolean {
  const types = [error, error instanceof Error ? error.cause : undefined].map(
    (candidate) => (candidate as { readonly type?: unknown } | null | undefined)?.type,
  );
  return types.includes('entity.parse.failed');
}

function stackWithoutMessage(error: Error): string {
  return (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');
}
