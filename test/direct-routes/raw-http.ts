import { connect } from 'node:net';

/** What a server sent, with what differs by moment taken out. */
export interface RawAnswer {
  readonly status: string;
  readonly headers: readonly string[];
  readonly body: string;
}

/** A request as bytes. Without a `Host` or `Connection` of its own it gets them, so that the server closes after it. */
export interface RawRequest {
  readonly name: string;
  readonly method: string;
  readonly target: string;
  readonly headers?: ReadonlyArray<readonly [name: string, value: string]>;
  readonly body?: string | Buffer;
  /** Only these many bytes of the body are sent, then the connection is half closed. */
  readonly cutAfter?: number;
  /** The body comes in pieces of this size. */
  readonly piece?: number;
  readonly version?: string;
}

/** @returns undefined when the server closed without a word */
export async function sendRaw(port: number, request: RawRequest): Promise<RawAnswer | undefined> {
  const body = Buffer.from(request.body ?? '');
  const sent = request.cutAfter === undefined ? body : body.subarray(0, request.cutAfter);
  const chunks: Buffer[] = [];
  const socket = connect({ port, host: 'localhost', noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.once('close', () => resolve());
    socket.once('error', reject);
    socket.setTimeout(10_000, () => socket.destroy(new Error(`no answer to ${request.name}`)));
    socket.write(headOf(request, body.length), 'latin1');
    const piece = request.piece ?? Math.max(sent.length, 1);
    const more = (at: number): void => {
      if (at < sent.length) socket.write(sent.subarray(at, at + piece), () => more(at + piece));
      else if (request.cutAfter !== undefined) socket.end();
    };
    more(0);
  });
  return parse(Buffer.concat(chunks));
}

function headOf({ method, target, headers = [], body, version = '1.1' }: RawRequest, length: number): string {
  const has = (name: string): boolean => headers.some(([own]) => own.toLowerCase() === name);
  const all = [
    ...(has('host') ? [] : [['Host', 'id.example.test'] as const]),
    ...(has('connection') ? [] : [['Connection', 'close'] as const]),
    ...headers,
    ...(body === undefined || has('content-length') || has('transfer-encoding')
      ? []
      : [['Content-Length', String(length)] as const]),
  ];
  return `${method} ${target} HTTP/${version}\r\n${all.map((pair) => pair.join(': ')).join('\r\n')}\r\n\r\n`;
}

function parse(bytes: Buffer): RawAnswer | undefined {
  if (bytes.length === 0) return undefined;
  const text = bytes.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  const [status = '', ...headers] = text.slice(0, end).split('\r\n');
  return {
    status,
    headers: headers
      .filter((header) => !/^date:/i.test(header))
      .map(withoutChance)
      .toSorted(),
    body: withoutChance(text.slice(end + 4)),
  };
}

/** Identifiers, tokens and nonces are new in every answer; their lengths are not. */
function withoutChance(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UUID')
    .replaceAll(/\b[0-9a-f]{16}\b/g, 'REFERENCE')
    .replaceAll(/nonce(-|=")[A-Za-z0-9+/=]{24}/g, 'nonce$1NONCE')
    .replaceAll(/[A-Za-z0-9_-]{40,}(\.[A-Za-z0-9_-]{20,})*/g, (secret) => `SECRET${secret.length}`)
    .replaceAll(/(?<=exeunt_\w+=)[A-Za-z0-9_.-]+/g, 'COOKIE');
}
