import { Injectable, type BeforeApplicationShutdown, type MessageEvent } from '@nestjs/common';
import { concat, defer, filter, finalize, interval, map, merge, of, Subject, takeWhile, type Observable } from 'rxjs';
import { Clock } from '../../platform/clock/clock.js';
import { TemporarilyUnavailableError } from '../../platform/oidc/errors.js';
import { subscriberOf } from '../../platform/rate-limits/source-address.js';

/** Connections that this process keeps open for pages that follow something: of people, and of operators. */
const MAX_STREAMS = { people: 400, operators: 100 } as const;
/** Of people, from one address: a few must not be able to take all of them. An office behind one has room. */
const MAX_STREAMS_PER_ADDRESS = 60;
/** And of one thing that is followed, so that one reader cannot take all of them. */
const MAX_STREAMS_PER_KEY = 20;
/** Proxies close what is silent, most after a minute. */
const HEARTBEAT_MS = 15_000;
/** Then a page looks again by itself, or its reader does. */
const LONGEST_MS = 120_000;
const EXPIRY_CHECK_MS = 1000;

/**
 * What is sent: `update` with HTML for the page's live part, then `end`: `done` when there is nothing more to come,
 * `pause` when the page may ask again.
 */
interface LiveEvent extends MessageEvent {
  readonly type?: 'update' | 'end';
}

/** Who follows along. */
export type LiveReader = 'operator' | { readonly address: string };

/**
 * Server-sent events for pages: bounded in number and in time, kept awake through proxies, ended when the process
 * stops. Nest sets the headers (`no-transform`, `X-Accel-Buffering: no`), so that no proxy holds an event back.
 */
@Injectable()
export class LiveStreams implements BeforeApplicationShutdown {
  /** By what is followed. */
  private readonly open = new Map<string, number>();
  private readonly byAddress = new Map<string, number>();
  private readonly total = { people: 0, operators: 0 };
  private readonly stopped = new Subject<void>();
  private stopping = false;

  constructor(private readonly clock: Clock) {}

  /**
   * @param key what is followed
   * @param updates HTML for the page's live part; when they complete, so does the stream, with `end`
   * @param reader an operator, with a share of their own, or the address from which a person follows
   * @throws TemporarilyUnavailableError when there are too many: the page then looks again by itself, and has a link for it
   */
  stream(key: string, updates: Observable<string>, reader: LiveReader): Observable<LiveEvent> {
    const share = reader === 'operator' ? 'operators' : 'people';
    const from = reader === 'operator' ? undefined : subscriberOf(reader.address);
    const isFull =
      this.total[share] >= MAX_STREAMS[share] ||
      (this.open.get(key) ?? 0) >= MAX_STREAMS_PER_KEY ||
      (from !== undefined && (this.byAddress.get(from) ?? 0) >= MAX_STREAMS_PER_ADDRESS);
    if (this.stopping || isFull)
      throw new TemporarilyUnavailableError(
        'Too many pages are following along. Reload the page to see how it stands.',
      );
    return defer(() => {
      this.total[share] += 1;
      count(this.open, key, 1);
      if (from !== undefined) count(this.byAddress, from, 1);
      return this.events(updates).pipe(
        finalize(() => {
          this.total[share] -= 1;
          count(this.open, key, -1);
          if (from !== undefined) count(this.byAddress, from, -1);
        }),
      );
    });
  }

  /** Ends every stream; a server that stops waits for its connections. */
  stop(): void {
    this.stopping = true;
    this.stopped.next();
  }

  beforeApplicationShutdown(): void {
    this.stop();
  }

  private events(updates: Observable<string>): Observable<LiveEvent> {
    const until = this.clock.in(LONGEST_MS);
    const expired = interval(EXPIRY_CHECK_MS).pipe(filter(() => this.clock.now() >= until));
    const pause = merge(expired, this.stopped).pipe(map(() => end('pause')));
    const sent = concat(updates.pipe(map((data): LiveEvent => ({ type: 'update', data }))), of(end('done')));
    const beats = interval(HEARTBEAT_MS).pipe(map((): LiveEvent => ({ comment: 'still here', data: '' })));
    return merge(sent, pause, beats).pipe(takeWhile((event) => event.type !== 'end', true));
  }
}

function count(counts: Map<string, number>, key: string, by: number): void {
  const next = (counts.get(key) ?? 0) + by;
  if (next <= 0) counts.delete(key);
  else counts.set(key, next);
}

function end(how: 'done' | 'pause'): LiveEvent {
  return { type: 'end', data: how };
}
