import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt, decodeProtectedHeader, type JWTPayload, type ProtectedHeaderParameters } from 'jose';

export interface ReceivedLogout {
  readonly contentType: string | undefined;
  readonly fields: Readonly<Record<string, string>>;
  readonly token: string;
  readonly header: ProtectedHeaderParameters;
  readonly claims: JWTPayload & { readonly sid?: string; readonly events?: Record<string, unknown> };
}

export type Answer = number | ((request: IncomingMessage, response: ServerResponse) => void);

/** An application outside of the provider that counts what it received on its back channel. */
export class StubRelyingParty {
  readonly received: ReceivedLogout[] = [];
  /** Of each of them. */
  readonly headers: IncomingHttpHeaders[] = [];
  private readonly waiting = new Set<() => void>();
  private answers: Answer[] = [];
  private constant: Answer = 200;

  private constructor(
    private readonly server: ReturnType<typeof createServer>,
    readonly origin: string,
  ) {}

  static async start(): Promise<StubRelyingParty> {
    const server = createServer((request, response) => void party.handle(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const party: StubRelyingParty = new StubRelyingParty(
      server,
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    );
    return party;
  }

  get redirectUri(): string {
    return `${this.origin}/callback`;
  }

  get postLogoutRedirectUri(): string {
    return `${this.origin}/signed-out`;
  }

  get backchannelLogoutUri(): string {
    return `${this.origin}/backchannel-logout`;
  }

  /** Answers the next requests in this order, then as {@link always} says. */
  answerNext(...answers: Answer[]): void {
    this.answers = answers;
  }

  always(answer: Answer): void {
    this.constant = answer;
  }

  /** Waits until `n` logout tokens have come in all. */
  async waitFor(n: number): Promise<ReceivedLogout[]> {
    while (this.received.length < n) await new Promise<void>((resolve) => this.waiting.add(resolve));
    return this.received;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.url === '/backchannel-logout') this.record(request, Buffer.concat(chunks).toString());
    const answer = request.url === '/backchannel-logout' ? (this.answers.shift() ?? this.constant) : 200;
    if (typeof answer === 'function') answer(request, response);
    else response.writeHead(answer, { 'cache-control': 'no-store' }).end();
  }

  private record(request: IncomingMessage, body: string): void {
    const fields = Object.fromEntries(new URLSearchParams(body));
    const token = fields.logout_token ?? '';
    this.headers.push(request.headers);
    this.received.push({
      contentType: request.headers['content-type'],
      fields,
      token,
      header: decodeProtectedHeader(token),
      claims: decodeJwt(token),
    });
    for (const wake of this.waiting) wake();
    this.waiting.clear();
  }
}
