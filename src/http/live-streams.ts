import { Injectable, type BeforeApplicationShutdown, type MessageEvent } from '@nestjs/common';
import { concat, defer, filter, finalize, interval, map, merge, of, Subject, takeWhile, type Observable } from 'rxjs';
import { Clock } from '../database/clock.js';
import { TemporarilyUnavailableError } from '../oidc/errors.js';

/** Connections that this process keeps open for pages that follow something. */
const MAX_STREAMS = 500;
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

/**
 * Server-sent events for pages: bounded in number and in time, kept awake through proxies, ended when the process
 * stops. Nest sets the headers (`no-transform`, `X-Accel-Buffering: no`), so that no proxy holds an event back.
 */
@Injectable()
export class LiveStreams implements BeforeApplicationShutdown {
  /** By what is followed. */
  private readonly open = new Map<string, number>();
  private readonly stopped = new Subject<void>();
  private stopping = false;

  constructor(private readonly clock: Clock) {}

  /**
   * @param key what is followed
   * @param updates HTML for the page's live part; when they complete, so does the stream, with `end`
   * @throws TemporarilyUnavailableError when there are too many: the page then stays as it is, with a link to reload it
   */
  stream(key: string, updates: Observable<string>): Observable<LiveEvent> {
    const total = [...this.open.values()].reduce((sum, count) => sum + count, 0);
    const same = this.open.get(key) ?? 0;
    if (this.stopping || total >= MAX_STREAMS || same >= MAX_STREAMS_PER_KEY)
      throw new TemporarilyUnavailableError(
        'Too many pages are following along. Reload the page to see how it stands.',
      );
    return defer(() => {
      this.open.set(key, (this.open.get(key) ?? 0) + 1);
      return this.events(updates).pipe(finalize(() => this.left(key)));
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

  private left(key: string): void {
    const count = (this.open.get(key) ?? 1) - 1;
    if (count <= 0) this.open.delete(key);
    else this.open.set(key, count);
  }
}

function end(how: 'done' | 'pause'): LiveEvent {
  return { type: 'end', data: how };
}
