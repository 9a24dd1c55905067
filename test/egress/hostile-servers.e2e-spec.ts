import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { loadSettings } from '../../src/platform/config/settings.js';
import { EgressClient } from '../../src/platform/egress/egress.client.js';
import { EgressError, type EgressRequest, type EgressResponse } from '../../src/platform/egress/egress.js';
import { selfSigned } from './self-signed.js';

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;
const KIB = 1024;

describe('servers that mean no good (threat-model#inner-addresses)', () => {
  let client: EgressClient;
  const open: (Server | TcpServer)[] = [];

  beforeEach(() => {
    client = new EgressClient({ ...loadSettings({}), issuer: 'http://localhost:3000' });
  });
  afterEach(async () => {
    await client.onApplicationShutdown();
    for (const server of open.splice(0)) {
      if ('closeAllConnections' in server) server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  async function listen<T extends Server | TcpServer>(server: T): Promise<number> {
    open.push(server);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  async function aServer(handler: Handler): Promise<{ readonly url: string; readonly requests: IncomingMessage[] }> {
    const requests: IncomingMessage[] = [];
    const port = await listen(
      createServer({ maxHeaderSize: 64 * KIB }, (request, response) => {
        requests.push(request);
        request.resume();
        handler(request, response);
      }),
    );
    return { url: `http://127.0.0.1:${port}/`, requests };
  }

  const send = (url: string, more: Partial<EgressRequest> = {}): Promise<EgressResponse> =>
    client.request({ method: 'POST', url, body: 'a=b', timeoutMs: 2000, ...more });

  const codeOf = async (url: string, more: Partial<EgressRequest> = {}): Promise<string> => {
    const error: unknown = await send(url, more).catch((reason: unknown) => reason);
    if (!(error instanceof EgressError)) throw new Error(`no EgressError: ${String(error)}`);
    return error.code;
  };

  it('a good one is answered by status, headers and body', async () => {
    const { url, requests } = await aServer((_request, response) =>
      response.writeHead(201, { 'X-Word': 'yes' }).end('hello'),
    );
    expect(await send(`${url}path?q=1`)).toMatchObject({ status: 201, headers: { 'x-word': 'yes' }, body: 'hello' });
    expect(requests[0]).toMatchObject({ method: 'POST', url: '/path?q=1' });
    expect(requests[0]!.headers).toMatchObject({ 'user-agent': 'Exeunt', 'accept-encoding': 'identity' });
    expect(requests[0]!.headers.cookie).toBeUndefined();
  });

  it.each([301, 302, 303, 307, 308])('a redirect (%i) is an answer like another: nobody goes there', async (status) => {
    const inner = await aServer((_request, response) => response.end('secret'));
    const outer = await aServer((_request, response) => response.writeHead(status, { location: inner.url }).end());
    expect(await send(outer.url)).toMatchObject({ status, body: '' });
    expect(inner.requests).toHaveLength(0);
  });

  it('a gzip bomb does not go off: what comes compressed is not unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(20_000 * KIB));
    const { url } = await aServer((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
    );
    expect(await send(url)).toMatchObject({ status: 200, body: '' });
  });

  it('a body that says it is too large is not read', async () => {
    const { url } = await aServer((_request, response) =>
      response.writeHead(200, { 'content-length': 10 * KIB * KIB }).write('x'),
    );
    expect(await codeOf(url, { maxBytes: KIB })).toBe('response_too_large');
  });

  it.each([
    ['waited for', false],
    ['not waited for', true],
  ])('a body without end is cut off when it is %s: the server sees the connection go', async (_, ignoreBody) => {
    let sent = 0;
    let cutOff = Promise.resolve();
    const { url } = await aServer((_request, response) => {
      cutOff = new Promise((resolve) => void response.on('close', resolve));
      response.writeHead(200);
      const more = (): void => {
        if (response.destroyed) return;
        sent += 16 * KIB;
        response.write('x'.repeat(16 * KIB), () => setImmediate(more));
      };
      more();
    });
    const limit = { maxBytes: 32 * KIB };
    if (ignoreBody) expect(await send(url, { ...limit, ignoreBody })).toMatchObject({ status: 200, body: '' });
    else expect(await codeOf(url, limit)).toBe('response_too_large');
    // Before the client is shut down, which would cut off everything.
    await cutOff;
    // What the two kernels hold for us comes on top of the limit.
    expect(sent).toBeLessThan(16 * KIB * KIB);
  });

  it('a body of exactly the limit is let through', async () => {
    const { url } = await aServer((_request, response) => response.end('x'.repeat(KIB)));
    expect((await send(url, { maxBytes: KIB })).body).toHaveLength(KIB);
    expect(await codeOf(url, { maxBytes: KIB - 1 })).toBe('response_too_large');
  });

  it('one byte at a time does not keep us for longer than the time limit', async () => {
    const { url } = await aServer((_request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('x'), 50);
      response.on('close', () => clearInterval(timer));
    });
    const start = performance.now();
    expect(await codeOf(url, { timeoutMs: 300 })).toBe('timeout');
    expect(performance.now() - start).toBeLessThan(1500);
  });

  it('headers that come one at a time do not either', async () => {
    const port = await listen(
      createTcpServer((socket) => {
        socket.on('error', () => undefined).resume();
        socket.write('HTTP/1.1 200 OK\r\n');
        const timer = setInterval(() => socket.write('x-slow: 1\r\n'), 50);
        socket.on('close', () => clearInterval(timer));
      }),
    );
    expect(await codeOf(`http://127.0.0.1:${port}/`, { timeoutMs: 300 })).toBe('timeout');
  });

  it('a server that accepts and never answers does not either', async () => {
    const { url } = await aServer(() => undefined);
    expect(await codeOf(url, { timeoutMs: 200 })).toBe('timeout');
  });

  it('giant headers are refused', async () => {
    const { url } = await aServer((_request, response) =>
      response.writeHead(200, { 'x-giant': 'x'.repeat(40 * KIB) }).end(),
    );
    expect(await codeOf(url)).toBe('response_too_large');
  });

  it('a connection that breaks off is a reset, before and amid an answer', async () => {
    const before = await aServer((request) => request.socket.resetAndDestroy());
    expect(await codeOf(before.url)).toBe('reset');
    const amid = await aServer((request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('x', () => request.socket.resetAndDestroy());
    });
    expect(await codeOf(amid.url)).toBe('reset');
  });

  it('a port where nobody listens is a failed connection', async () => {
    const port = await listen(createTcpServer());
    await new Promise((resolve) => open.pop()!.close(resolve));
    expect(await codeOf(`http://127.0.0.1:${port}/`)).toBe('connect_failed');
  });

  it('a server that speaks something else is a failure', async () => {
    const port = await listen(
      createTcpServer(
        (socket) =>
          void socket
            .on('error', () => undefined)
            .resume()
            .end('220 smtp.example.com ESMTP\r\n'),
      ),
    );
    expect(await codeOf(`http://127.0.0.1:${port}/`)).toBe('failed');
  });

  it('a certificate that nobody vouches for is refused, and nothing is sent', async () => {
    const requests: unknown[] = [];
    const port = await listen(
      createTlsServer(selfSigned('localhost'), (request, response) => response.end(requests.push(request.url))),
    );
    expect(await codeOf(`https://127.0.0.1:${port}/`)).toBe('tls_failed');
    expect(await codeOf(`https://localhost:${port}/`)).toBe('tls_failed');
    expect(requests).toEqual([]);
  });

  it('https to a server without it is a TLS failure', async () => {
    const { url, requests } = await aServer((_request, response) => response.end());
    expect(await codeOf(url.replace('http:', 'https:'))).toBe('tls_failed');
    expect(requests).toEqual([]);
  });
});
