import { Gathering, type After } from './gathering.js';

/** A clock of which the test says when it rings. */
function alarm(): { readonly after: After; readonly ring: () => void; readonly set: readonly number[] } {
  const set: number[] = [];
  const pending = new Set<() => void>();
  return {
    set,
    after: (ms, done) => {
      set.push(ms);
      pending.add(done);
      return () => pending.delete(done);
    },
    ring: () => {
      const due = [...pending];
      for (const done of due) done();
    },
  };
}

/** What has gone on, in its order. */
function waiters(gathering: Gathering): {
  readonly gone: string[];
  readonly ended: (id: string, name: string) => void;
} {
  const gone: string[] = [];
  return {
    gone,
    ended: (id, name) => {
      gathering.end(id);
      void gathering.others(id).then(() => gone.push(name));
    },
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('gathering what belongs together', () => {
  it('lets go at once who is the last or alone, and sets no timer', async () => {
    const { after, set } = alarm();
    const gathering = new Gathering(10, after);
    const { gone, ended } = waiters(gathering);
    gathering.begin('a');
    gathering.begin('b');
    ended('a', 'alone');
    await turn();
    expect([gone, set]).toEqual([['alone'], []]);
  });

  it('holds who has ended until the others have, each group by itself', async () => {
    const { after } = alarm();
    const gathering = new Gathering(10, after);
    const { gone, ended } = waiters(gathering);
    for (const id of ['a', 'a', 'a', 'b', 'b']) gathering.begin(id);
    ended('a', 'first');
    ended('a', 'second');
    ended('b', 'other');
    await turn();
    expect(gone).toEqual([]);
    ended('a', 'last');
    await turn();
    expect(gone.toSorted()).toEqual(['first', 'last', 'second']);
  });

  it('holds nobody longer than it may: one timer from the first on, and another for who ends after it', async () => {
    const { after, ring, set } = alarm();
    const gathering = new Gathering(10, after);
    const { gone, ended } = waiters(gathering);
    for (let n = 0; n < 4; n += 1) gathering.begin('a');
    ended('a', 'first');
    ended('a', 'second');
    expect(set).toEqual([10]);
    ring();
    await turn();
    expect(gone).toEqual(['first', 'second']);
    ended('a', 'third');
    expect(set).toEqual([10, 10]);
    ended('a', 'fourth');
    await turn();
    expect(gone.toSorted()).toEqual(['first', 'fourth', 'second', 'third']);
  });

  it('forgets a group that is over, so that the next of its name begins anew', async () => {
    const { after, set } = alarm();
    const gathering = new Gathering(10, after);
    const { gone, ended } = waiters(gathering);
    for (let n = 0; n < 2; n += 1) {
      gathering.begin('a');
      ended('a', `round ${n}`);
    }
    gathering.end('never begun');
    await turn();
    expect([gone, set]).toEqual([['round 0', 'round 1'], []]);
  });
});
