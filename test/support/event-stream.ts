export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

/** What a page receives that follows along. Events are taken in order, and none is missed between two looks. */
export class EventStream {
  private buffer = '';
  private readonly decoder = new TextDecoder();

  private constructor(
    readonly response: Response,
    private readonly reader: ReadableStreamDefaultReader<Uint8Array>,
    private readonly aborter: AbortController,
  ) {}

  static async open(url: string, headers: Record<string, string> = {}): Promise<EventStream> {
    const aborter = new AbortController();
    const response = await fetch(url, {
      headers: { accept: 'text/event-stream', ...headers },
      redirect: 'manual',
      signal: aborter.signal,
    });
    if (response.body === null) throw new Error(`no body (status ${response.status})`);
    return new EventStream(response, response.body.getReader(), aborter);
  }

  /** The next event that is more than a comment; undefined when the stream has ended. */
  async next(): Promise<ServerSentEvent | undefined> {
    for (;;) {
      const end = this.buffer.indexOf('\n\n');
      if (end === -1) {
        const { done, value } = await this.reader.read();
        if (done) return undefined;
        this.buffer += this.decoder.decode(value, { stream: true });
        continue;
      }
      const lines = this.buffer.slice(0, end).split('\n');
      this.buffer = this.buffer.slice(end + 2);
      const of = (field: string): string[] =>
        lines.filter((line) => line.startsWith(`${field}:`)).map((line) => line.slice(field.length + 1).trimStart());
      const [event] = of('event');
      if (event !== undefined) return { event, data: of('data').join('\n') };
    }
  }

  close(): void {
    this.aborter.abort();
  }
}
