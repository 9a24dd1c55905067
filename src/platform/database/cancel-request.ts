import pg, { type ClientBase } from 'pg';
import { once, type EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { within } from './time-limit.js';

const ANSWER_MS = 1000;

/** What `pg` has and its types do not say: the connection of the wire protocol, and what the server called it. */
interface Wire {
  readonly host: string;
  readonly port: number;
  readonly ssl: pg.ClientConfig['ssl'];
  readonly processID: number;
  readonly secretKey: number;
  readonly connection: EventEmitter & {
    readonly stream: Socket;
    connect(portOrPath: number | string, host?: string): void;
    requestSsl(): void;
    cancel(processID: number, secretKey: number): void;
  };
}

/**
 * Asks the server to give up what `client` waits for (PostgreSQL 18 §54.2.7): by a connection of its own, whose answer is
 * that it is closed. Returns then, or after a second, and says nothing when it fails. Close the client afterwards: a pooler
 * passes the request on only while it knows whose it is.
 */
export async function cancelRequest(client: ClientBase): Promise<void> {
  const { host, port, ssl, processID, secretKey } = client as unknown as Wire;
  const { connection } = new pg.Client({ host, port, ...(ssl ? { ssl } : {}) }) as unknown as Wire;
  connection.on('error', () => undefined);
  const closed = once(connection, 'end');
  const cancel = (): void => connection.cancel(processID, secretKey);
  connection.once('connect', () => (ssl ? connection.requestSsl() : cancel()));
  connection.once('sslconnect', cancel);
  if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`);
  else connection.connect(port, host);
  await within(ANSWER_MS, closed).catch(() => connection.stream.destroy());
}
