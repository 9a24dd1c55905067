import { PeriodicTask } from './periodic-task.js';

describe('work that comes again and again', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** Work that continues until the test ends it. */
  function held() {
    const ends: { resolve: (n: number) => void; reject: (error: Error) => void }[] = [];
    const failures: Error[] = [];
    const task = new PeriodicTask<number>(
      () => new Promise((resolve, reject) => ends.push({ resolve, reject })),
      (error) => failures.push(error),
    );
    return { task, ends, failures };
  }

  it('is done at each interval, one run at a time', async () => {
    const { task, ends } = held();
    task.start(1000);
    await vi.advanceTimersByTimeAsync(3500);
    expect(ends).toHaveLength(1);
    ends[0]?.resolve(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(ends).toHaveLength(2);
  });

  it('is joined by who asks for it meanwhile', async () => {
    const { task, ends } = held();
    const both = Promise.all([task.run(), task.run()]);
    ends[0]?.resolve(7);
    expect(await both).toEqual([7, 7]);
    expect(ends).toHaveLength(1);
  });

  it('goes on after a failure, which is heard of', async () => {
    const { task, ends, failures } = held();
    task.start(1000);
    await vi.advanceTimersByTimeAsync(1000);
    ends[0]?.reject(new Error('away'));
    await vi.advanceTimersByTimeAsync(1000);
    expect(failures.map(({ message }) => message)).toEqual(['away']);
    expect(ends).toHaveLength(2);
  });

  it('runs once more when something changed while it ran, and no more often than that', async () => {
    const { task, ends } = held();
    task.runAgain();
    expect(ends).toHaveLength(1);
    task.runAgain();
    task.runAgain();
    ends[0]?.resolve(1);
    await vi.advanceTimersByTimeAsync(0);
    expect(ends).toHaveLength(2);
    ends[1]?.resolve(2);
    await vi.advanceTimersByTimeAsync(0);
    expect([ends.length, task.underWay]).toEqual([2, undefined]);
  });

  it('pauses and goes on', async () => {
    const { task, ends } = held();
    task.start(1000);
    task.pause();
    await vi.advanceTimersByTimeAsync(5000);
    expect(ends).toEqual([]);
    task.start(1000);
    await vi.advanceTimersByTimeAsync(1000);
    expect(ends).toHaveLength(1);
  });

  it('throws to who asks for it', async () => {
    const { task, ends, failures } = held();
    const run = task.run();
    ends[0]?.reject(new Error('away'));
    await expect(run).rejects.toThrow('away');
    expect(failures).toEqual([]);
  });

  it('is never done by itself with an interval of 0', async () => {
    const { task, ends } = held();
    task.start(0);
    await vi.advanceTimersByTimeAsync(1_000_000);
    expect(ends).toEqual([]);
  });

  it('is over when the stop is: the run under way ends, no other begins', async () => {
    const { task, ends } = held();
    task.start(1000);
    await vi.advanceTimersByTimeAsync(1000);
    let over = false;
    const stopped = task.stop().then(() => (over = true));
    await vi.advanceTimersByTimeAsync(5000);
    expect([over, task.stopping]).toEqual([false, true]);
    ends[0]?.resolve(1);
    await stopped;
    task.runSoon();
    expect(ends).toHaveLength(1);
  });
});
