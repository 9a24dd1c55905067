import { BadRequestException } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { DirectRequest, DirectResponse, Next, Step } from './express-parts.js';
import { plainForm } from './plain-form.js';

/** Whether a parser wants a body that comes as a form. */
export type BodyTaker = (request: IncomingMessage) => boolean;

/** Reads a form in the place of the application's parser. */
export interface FormReader {
  /** Bytes. */
  readonly limit: number;
  readonly step: Step;
}

/**
 * The reader of a form whose length is said and within the limit. A plain form is split here; any other is given to the
 * application's own parser, which so decides about everything that has more than one reading, and words every refusal.
 */
export function formReader(parser: Step, limit: number): FormReader {
  const step: Step = (request, response, next) => {
    readBody(request, (error, body) => {
      if (error !== undefined) return next(error);
      request.body = plainForm(body);
      if (request.body === undefined) parseAgain({ parser, body }, request, response, next);
      else next();
    });
  };
  return { limit, step };
}

const NOTHING = Buffer.alloc(0);

/** @param done is called once: with the whole body, or with the error of a sender who left */
function readBody(request: IncomingMessage, done: (error: Error | undefined, body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  let over = false;
  const finish = (error?: Error): void => {
    if (over) return;
    over = true;
    request.removeListener('error', fail);
    done(error, chunks.length === 1 ? (chunks[0] ?? NOTHING) : Buffer.concat(chunks));
  };
  // As the application's parser words it; there is no one left to read it.
  const fail = (): void => finish(new BadRequestException('request aborted'));
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => finish());
  request.on('aborted', fail);
  request.on('error', fail);
}

/** Has the application's parser read the body, as if it came from the network again. */
function parseAgain(
  { parser, body }: { readonly parser: Step; readonly body: Buffer },
  request: DirectRequest,
  response: DirectResponse,
  next: Next,
): void {
  const { headers, method, url } = request;
  const again = Object.assign(Readable.from(body, { objectMode: false }), {
    headers,
    method,
    url,
  }) as unknown as DirectRequest;
  parser(again, response, (error) => {
    request.body = again.body;
    next(error);
  });
}
