import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from './ports.js';

/** A connection through the proxy, known by the application name that it gave. */
interface Link {
  readonly client: Socket;
  server: Socket | undefined;
  application: string;
  parameters: readonly string[];
  silent: boolean;
}

/**
 * The network between a node and Postgres, which can do what networks do: forget a connection without closing it, go
 * silent altogether, refuse, lead to another server.
 */
export class PostgresProxy {
  private readonly links = new Set<Link>();
  private allSilent = false;
  /** Parameters of the start message that are refused, as PgBouncer does. */
  refused: readonly string[] = [];
  /** Loses what comes unasked, as a pooler does that lends its connections for one transaction. */
  losesNotices = false;
  /** Whether a connection gets to Postgres at all. */
  open = true;

  private constructor(
    private readonly server: Server,
    readonly port: number,
    private target: string,
  ) {}

  static async start(target: string): Promise<PostgresProxy> {
    const port = await freePort();
    const server = createServer((client) => proxy.accept(client));
    const proxy = new PostgresProxy(server, port, target);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    const { pathname } = new URL(this.target);
    return `postgres://exeunt@127.0.0.1:${this.port}${pathname}`;
  }

  /** New connections end at `target` from now on; those there are, are closed. */
  leadTo(target: string): void {
    this.target = target;
    for (const { client } of this.links) client.destroy();
  }

  /** Nothing comes through any more on these connections, and nobody is told. */
  forget(application: string): number {
    const forgotten = [...this.links].filter((link) => link.application === application && !link.silent);
    for (const link of forgotten) link.silent = true;
    return forgotten.length;
  }

  /** Nothing comes through at all; new connections are taken, and hear nothing either. */
  freeze(): void {
    this.allSilent = true;
  }

  thaw(): void {
    this.allSilent = false;
    for (const link of this.links) link.client.destroy();
  }

  async stop(): Promise<void> {
    for (const { client } of this.links) client.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private accept(client: Socket): void {
    if (!this.open) {
      client.resetAndDestroy();
      return;
    }
    const link: Link = { client, server: undefined, application: '', parameters: [], silent: false };
    this.links.add(link);
    client.on('error', () => undefined);
    client.once('close', () => {
      this.links.delete(link);
      link.server?.destroy();
    });
    client.once('data', (start) => this.begin(link, start));
  }

  private begin(link: Link, start: Buffer): void {
    const words = start.subarray(8).toString('latin1').split('\0');
    link.parameters = words.filter((_, i) => i % 2 === 0 && words[i] !== '');
    link.application = words[words.indexOf('application_name') + 1] ?? '';
    const refused = link.parameters.find((name) => this.refused.includes(name));
    if (refused !== undefined) {
      link.client.end(errorMessage('08P01', `unsupported startup parameter: ${refused}`));
      return;
    }
    const { searchParams, hostname, port } = new URL(this.target);
    const directory = searchParams.get('host');
    const server =
      directory === null ? connect(Number(port), hostname) : connect(`${directory}/.s.PGSQL.${port || '5432'}`);
    link.server = server;
    const silent = (): boolean => this.allSilent || link.silent;
    server.on('error', () => undefined);
    server.on('data', (data) => silent() || link.client.write(this.losesNotices ? withoutNotices(data) : data));
    server.once('close', () => silent() || link.client.destroy());
    link.client.on('data', (data) => silent() || server.write(data));
    if (!silent()) server.write(start);
  }
}

/** Without NotificationResponse ('A'), in what came as whole messages. */
function withoutNotices(data: Buffer): Buffer {
  const kept: Buffer[] = [];
  for (let at = 0; at + 5 <= data.length;) {
    const end = at + 1 + data.readInt32BE(at + 1);
    if (data[at] !== 'A'.charCodeAt(0)) kept.push(data.subarray(at, end));
    at = end;
  }
  return data.length < 5 ? data : Buffer.concat(kept);
}

/** An ErrorResponse of the wire protocol. */
function errorMessage(code: string, message: string): Buffer {
  const fields = `SFATAL\0VFATAL\0C${code}\0M${message}\0\0`;
  const buffer = Buffer.alloc(5 + Buffer.byteLength(fields));
  buffer.write('E');
  buffer.writeInt32BE(buffer.length - 1, 1);
  buffer.write(fields, 5);
  return buffer;
}
