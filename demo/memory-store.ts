/** Where an application keeps what it was told. Of the shape that `express-session` stores have; a real one uses a database. */
export class MemoryStore<Value> {
  private readonly entries = new Map<string, Value>();

  get(key: string, done: (error: unknown, value?: Value | null) => void): void {
    done(null, this.entries.get(key));
  }

  set(key: string, value: Value, done?: (error?: unknown) => void): void {
    this.entries.set(key, value);
    done?.();
  }

  destroy(key: string, done?: (error?: unknown) => void): void {
    this.entries.delete(key);
    done?.();
  }
}
