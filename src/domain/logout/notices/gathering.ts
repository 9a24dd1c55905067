/** Calls `done` once after `ms`; returns what calls it off. */
export type After = (ms: number, done: () => void) => () => void;

const afterMs: After = (ms, done) => {
  const timer = setTimeout(done, ms);
  return () => clearTimeout(timer);
};

interface Group {
  /** What has begun and not ended. */
  underWay: number;
  waiting: (() => void)[];
  callOff: (() => void) | undefined;
}

/**
 * Lets what belongs together end together: who has ended waits for the others of the group, but never longer than
 * `waitMs`.
 */
export class Gathering {
  private readonly groups = new Map<string, Group>();

  constructor(
    private readonly waitMs: number,
    private readonly after: After = afterMs,
  ) {}

  begin(id: string): void {
    const group = this.groups.get(id) ?? { underWay: 0, waiting: [], callOff: undefined };
    group.underWay += 1;
    this.groups.set(id, group);
  }

  /** Once for each {@link begin}. */
  end(id: string): void {
    const group = this.groups.get(id);
    if (group === undefined) return;
    group.underWay -= 1;
    if (group.underWay > 0) return;
    this.groups.delete(id);
    this.release(group);
  }

  /** After {@link end}: resolves when nothing of the group is under way any more, or after the longest wait. */
  async others(id: string): Promise<void> {
    const group = this.groups.get(id);
    if (group === undefined) return;
    await new Promise<void>((resolve) => {
      group.waiting.push(resolve);
      group.callOff ??= this.after(this.waitMs, () => this.release(group));
    });
  }

  private release(group: Group): void {
    group.callOff?.();
    group.callOff = undefined;
    for (const go of group.waiting.splice(0)) go();
  }
}
