import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createServer as createRawTlsServer } from 'node:tls';
import { selfSigned } from '../egress/self-signed.js';

/** A request for the address that applications are asked at in frames. */
export interface FrontChannelRequest {
  readonly query: URLSearchParams;
  readonly referrer: string | undefined;
  readonly cookie: string | undefined;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const page: Answer = (_request, response) =>
  void response
    .writeHead(200, { 'content-type': 'text/html', 'cache-control': 'no-store' })
    .end('<!doctype html><title>A page</title><p>signed out here</p>');

/** An application that people visit: pages, a cookie of its own, and a front channel. */
export class StubApplication {
  readonly asked: FrontChannelRequest[] = [];
  /** How a frame is answered. */
  frontChannel: Answer = page;

  private constructor(
    private readonly server: Server,
    readonly origin: string,
  ) {}

  /** @param host `localhost` is the same site as the provider, `127.0.0.1` is another */
  static async start(host: 'localhost' | '127.0.0.1', tls = false): Promise<StubApplication> {
    const handle: RequestListener = (request, response) => application.handle(request, response);
    const server = tls ? createTlsServer(selfSigned(host), handle) : createServer(handle);
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const { port } = server.address() as AddressInfo;
    const application: StubApplication = new StubApplication(server, `http${tls ? 's' : ''}://${host}:${port}`);
    return application;
  }

  get metadata(): Record<string, unknown> {
    return {
      redirect_uris: [`${this.origin}/callback`],
      post_logout_redirect_uris: [`${this.origin}/signed-out`],
      frontchannel_logout_uri: `${this.origin}/front-channel?tenant=1`,
    };
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private handle(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.origin);
    if (url.pathname !== '/front-channel') return page(request, response);
    this.asked.push({
      query: url.searchParams,
      referrer: request.headers.referer,
      cookie: request.headers.cookie,
    });
    this.frontChannel(request, response);
  }
}

/** TLS in front of a service on this machine, as a proxy gives it. The target may be named once it runs. */
export async function tlsInFrontOf(host: string): Promise<{
  readonly origin: string;
  readonly lead: (port: number) => void;
  readonly stop: () => Promise<void>;
}> {
  let target = 0;
  const sockets = new Set<Socket>();
  const server = createRawTlsServer(selfSigned(host), (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    const inner = connect(target, 'localhost');
    socket.pipe(inner).pipe(socket);
    for (const end of [socket, inner])
      end.on('error', () => {
        socket.destroy();
        inner.destroy();
      });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    origin: `https://${host}:${(server.address() as AddressInfo).port}`,
    lead: (port) => void (target = port),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
