import { RefreshingCache, type RefreshingCacheOptions } from './refreshing-cache.js';

describe('a refreshing cache', () => {
  function setUp(options: Partial<RefreshingCacheOptions<string>> = {}): {
    readonly cache: RefreshingCache<string, string>;
    readonly loads: { readonly resolve: (value: string) => void; readonly reject: (error: Error) => void }[];
    readonly later: (ms: number) => void;
  } {
    let now = 1000;
    const loads: { resolve: (value: string) => void; reject: (error: Error) => void }[] = [];
    const cache = new RefreshingCache<string, string>(
      () => new Promise((resolve, reject) => loads.push({ resolve, reject })),
      { steady: () => now },
      { nameOf: (key) => key, maxAgeMs: 100, ...options },
    );
    return { cache, loads, later: (ms) => void (now += ms) };
  }

  it('loads once for all who wait, and again when it is too old', async () => {
    const { cache, loads, later } = setUp();
    const both = [cache.get('a'), cache.get('a')];
    expect(loads).toHaveLength(1);
    loads[0]?.resolve('one');
    expect(await Promise.all(both)).toEqual(['one', 'one']);
    later(100);
    expect(await cache.get('a')).toBe('one');
    later(1);
    const next = cache.get('a');
    loads[1]?.resolve('two');
    expect(await next).toBe('two');
  });

  it('tells the age from when the load began', async () => {
    const { cache, loads, later } = setUp();
    const first = cache.get('a');
    later(40);
    loads[0]?.resolve('one');
    await first;
    expect(cache.peek('a')).toEqual({ value: 'one', ageMs: 40 });
  });

  it('refreshes no value that is younger than the floor', async () => {
    const { cache, loads, later } = setUp({ refreshFloorMs: 10 });
    const first = cache.get('a');
    loads[0]?.resolve('one');
    await first;
    later(9);
    expect(await cache.refresh('a')).toBe('one');
    later(1);
    const next = cache.refresh('a');
    loads[1]?.resolve('two');
    expect(await next).toBe('two');
  });

  it('keeps no failure, and tries again at once or after the floor', async () => {
    const { cache, loads } = setUp();
    const failed = cache.get('a');
    loads[0]?.reject(new Error('away'));
    await expect(failed).rejects.toThrow('away');
    const again = cache.get('a');
    loads[1]?.resolve('one');
    expect(await again).toBe('one');

    const floored = setUp({ afterFailure: { floorMs: 10, error: (key) => new Error(`${key} is not to be had`) } });
    const first = floored.cache.get('a');
    floored.loads[0]?.reject(new Error('away'));
    await expect(first).rejects.toThrow('away');
    floored.later(9);
    await expect(floored.cache.get('a')).rejects.toThrow('a is not to be had');
    floored.later(1);
    void floored.cache.get('a');
    expect(floored.loads).toHaveLength(2);
  });

  it('still has what is too old while it cannot be loaded', async () => {
    const { cache, loads, later } = setUp();
    cache.put('a', 'old', 50);
    later(60);
    const failed = cache.get('a');
    loads[0]?.reject(new Error('away'));
    await expect(failed).rejects.toThrow('away');
    expect(cache.peek('a')).toEqual({ value: 'old', ageMs: 110 });
  });

  it('does not keep what was being loaded when it was dropped', async () => {
    const { cache, loads } = setUp();
    const before = cache.get('a');
    cache.drop();
    const after = cache.get('a');
    loads[1]?.resolve('new');
    loads[0]?.resolve('old');
    expect([await before, await after, await cache.get('a')]).toEqual(['old', 'new', 'new']);
  });

  it('renews after the load that is under way', async () => {
    const { cache, loads } = setUp();
    const before = cache.get('a');
    const renewed = cache.renew('a');
    expect(loads).toHaveLength(1);
    loads[0]?.resolve('old');
    await before;
    await vi.waitUntil(() => loads.length === 2);
    loads[1]?.resolve('new');
    expect(await renewed).toBe('new');
  });

  it('goes without the least recently used value where there are too many', async () => {
    const { cache } = setUp({ maxEntries: 2 });
    for (const key of ['a', 'b', 'c']) cache.put(key, key);
    expect(['a', 'b', 'c'].map((key) => cache.peek(key)?.value)).toEqual([undefined, 'b', 'c']);
  });
});
