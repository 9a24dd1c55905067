import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock/clock.js';

/** Times in milliseconds. */
export interface RefreshingCacheOptions<Key> {
  /** The same for keys that mean the same. */
  readonly nameOf: (key: Key) => string;
  /** {@link RefreshingCache.get} gives nothing older. */
  readonly maxAgeMs: number;
  /** {@link RefreshingCache.refresh} leaves what is younger. Default: 0. */
  readonly refreshFloorMs?: number;
  /** For so long after a failure nothing is loaded, and `error` is thrown instead. Default: each call tries again. */
  readonly afterFailure?: { readonly floorMs: number; readonly error: (key: Key) => Error };
  /** The least recently used one goes first. Default: 1000. */
  readonly maxEntries?: number;
}

/** A value and how long ago it began to be loaded, in milliseconds. */
export interface Aged<Value> {
  readonly value: Value;
  readonly ageMs: number;
}

/**
 * Values that are loaded from elsewhere and kept for some time. One load at a time for each key: callers that need the
 * same value meanwhile wait for it. Ages are measured by the steady clock, so that a clock that is set back does not
 * make what is old young. A failed load is thrown to those who wait for it, and not kept.
 */
export class RefreshingCache<Key, Value> {
  private readonly held: LRUCache<string, { readonly value: Value; readonly at: number }>;
  private readonly failedAt: LRUCache<string, number>;
  private readonly loading = new Map<string, Promise<Value>>();
  /** Counts the calls of {@link drop}. */
  private generation = 0;

  constructor(
    private readonly load: (key: Key) => Promise<Value>,
    private readonly clock: Pick<Clock, 'steady'>,
    private readonly options: RefreshingCacheOptions<Key>,
  ) {
    const max = options.maxEntries ?? 1000;
    this.held = new LRUCache({ max });
    this.failedAt = new LRUCache({ max });
  }

  /** The value, loaded if there is none that is young enough. */
  async get(key: Key): Promise<Value> {
    const held = this.peek(key);
    return held !== undefined && held.ageMs <= this.options.maxAgeMs ? held.value : this.loaded(key);
  }

  /** For a caller that cannot use the value it got: the next one, or the same if that was loaded a moment ago. */
  async refresh(key: Key): Promise<Value> {
    const held = this.peek(key);
    return held !== undefined && held.ageMs < (this.options.refreshFloorMs ?? 0) ? held.value : this.loaded(key);
  }

  /** For a caller that knows of a change: what is being loaded at this moment may have been read before it. */
  async renew(key: Key): Promise<Value> {
    await this.loading.get(this.options.nameOf(key))?.catch(() => undefined); // the next one says whether it can be had
    return this.loaded(key);
  }

  /** What there is, however old. Loads nothing. */
  peek(key: Key): Aged<Value> | undefined {
    const held = this.held.get(this.options.nameOf(key));
    return held === undefined ? undefined : { value: held.value, ageMs: this.clock.steady() - held.at };
  }

  /** Keeps a value that came in another way. */
  put(key: Key, value: Value, ageMs = 0): void {
    this.held.set(this.options.nameOf(key), { value, at: this.clock.steady() - ageMs });
  }

  /** Forgets everything; what is being loaded at this moment is not kept. */
  drop(): void {
    this.generation += 1;
    this.held.clear();
    this.loading.clear();
  }

  private loaded(key: Key): Promise<Value> {
    const name = this.options.nameOf(key);
    const underWay = this.loading.get(name);
    if (underWay !== undefined) return underWay;
    const { afterFailure } = this.options;
    if (afterFailure !== undefined && this.sinceFailure(name) < afterFailure.floorMs)
      return Promise.reject(afterFailure.error(key));
    const loading = this.loadNow(key, name).finally(() => {
      if (this.loading.get(name) === loading) this.loading.delete(name);
    });
    this.loading.set(name, loading);
    return loading;
  }

  private async loadNow(key: Key, name: string): Promise<Value> {
    const { generation } = this;
    const at = this.clock.steady();
    try {
      const value = await this.load(key);
      this.failedAt.delete(name);
      if (generation === this.generation) this.held.set(name, { value, at });
      return value;
    } catch (error) {
      this.failedAt.set(name, this.clock.steady());
      throw error;
    }
  }

  private sinceFailure(name: string): number {
    const at = this.failedAt.get(name);
    return at === undefined ? Infinity : this.clock.steady() - at;
  }
}
