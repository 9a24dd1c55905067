import { request as httpRequest, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { RequestMethod } from '@nestjs/common';
import type { Request, Response } from 'express';
import { DirectRoutesAdapter } from '../../src/web/kit/direct/direct-routes.adapter.js';

type Handler = (request: Request, response: Response, next: (error?: unknown) => void) => unknown;

const says =
  (text: string): Handler =>
  (_request, response) =>
    response.json({ text });

/** An adapter as the application makes it, with routes of the test and an error handler. */
class Served {
  readonly adapter = new DirectRoutesAdapter();
  readonly errors: unknown[] = [];
  onError = (): void => undefined;

  constructor() {
    this.adapter.initHttpServer({ return503OnClosing: true });
  }

  async listen(): Promise<void> {
    this.adapter.use((error: { status?: number }, _request: Request, response: Response, _next: unknown) => {
      this.errors.push(error);
      this.onError();
      response.status(error.status ?? 500).json({ failed: true });
    });
    await new Promise<void>((resolve) => void this.server.listen(0, 'localhost', resolve));
  }

  private get server(): Server {
    return this.adapter.getHttpServer();
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get taken(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.adapter.taken);
  }

  async get(path: string): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
    const response = await fetch(`http://localhost:${this.port}${path}`);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  async close(): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
  }
}

describe('which routes have a direct way', () => {
  let served: Served;
  beforeEach(() => {
    served = new Served();
  });
  afterEach(() => served.close());

  it('one without parameters', async () => {
    served.adapter.get('/things/new', says('new'));
    await served.listen();
    expect(await served.get('/things/new?x=1')).toEqual({ status: 200, body: { text: 'new' } });
    expect(served.taken).toEqual({ 'GET /things/new': 1 });
  });

  it('not one that an earlier route with parameters wins', async () => {
    served.adapter.get('/things/:id', says('one of them'));
    served.adapter.get('/things/new', says('new'));
    await served.listen();
    expect(await served.get('/things/new')).toEqual({ status: 200, body: { text: 'one of them' } });
    expect(served.taken).toEqual({});
  });

  it('one before a route with parameters, or beside one for another method', async () => {
    readsForms(served.adapter);
    served.adapter.post('/things/:id', says('posted'));
    served.adapter.get('/things/new', says('new'));
    served.adapter.get('/things/:id', says('one of them'));
    await served.listen();
    expect(await served.get('/things/new')).toEqual({ status: 200, body: { text: 'new' } });
    expect(served.taken).toEqual({ 'GET /things/new': 1 });
  });

  it('the first of two for one path', async () => {
    served.adapter.get('/things', says('first'));
    served.adapter.get('/things', says('second'));
    await served.listen();
    expect(await served.get('/things')).toEqual({ status: 200, body: { text: 'first' } });
  });

  it('not one below the path of a middleware, which sees its part of the URL', async () => {
    served.adapter.use('/things', (request: Request, response: Response, next: () => void) => {
      response.set('X-Seen', request.url);
      next();
    });
    served.adapter.get('/things/new', says('new'));
    served.adapter.get('/other', says('other'));
    await served.listen();
    const response = await fetch(`http://localhost:${served.port}/things/new`);
    expect(response.headers.get('x-seen')).toBe('/new');
    await served.get('/other');
    expect(served.taken).toEqual({ 'GET /other': 1 });
  });

  it('one whose path gets a middleware afterwards, which Express would not ask either', async () => {
    served.adapter.get('/things', says('things'));
    served.adapter.use((_request: Request, response: Response) => response.json({ text: 'middleware' }));
    await served.listen();
    expect(await served.get('/things')).toEqual({ status: 200, body: { text: 'things' } });
    expect(await served.get('/else')).toEqual({ status: 200, body: { text: 'middleware' } });
    expect(served.taken).toEqual({ 'GET /things': 1 });
  });

  it('not a middleware that is bound to a path and passes requests on', async () => {
    served.adapter.createMiddlewareFactory(RequestMethod.GET)(
      '/things',
      (_request: Request, _response: Response, next: () => void) => next(),
    );
    served.adapter.get('/things', says('things'));
    await served.listen();
    expect(await served.get('/things')).toEqual({ status: 200, body: { text: 'things' } });
    expect(served.taken).toEqual({});
  });

  it('not a POST whose body another parser takes, or no parser reads as a form', async () => {
    const saysBody: Handler = (request, response) => response.json({ body: request.body as unknown });
    served.adapter.post('/unread', saysBody);
    served.adapter.useBodyParser('text', false, { type: ({ url = '' }) => url.startsWith('/own'), limit: 100 });
    readsForms(served.adapter);
    for (const path of ['/own', '/form']) served.adapter.post(path, saysBody);
    await served.listen();
    expect(await post(served.port, '/unread', 'a=1')).toEqual({});
    expect(await post(served.port, '/own', 'a=1')).toEqual({ body: 'a=1' });
    expect(await post(served.port, '/form', 'a=1')).toEqual({ body: { a: '1' } });
    expect(served.taken).toEqual({ 'POST /form': 1 });
  });

  it('not a POST whose parser has options that may change what is read', async () => {
    served.adapter.useBodyParser('urlencoded', false, { limit: 100, extended: true });
    served.adapter.post('/form', (request: Request, response: Response) =>
      response.json({ body: request.body as unknown }),
    );
    await served.listen();
    expect(await post(served.port, '/form', 'a=1')).toEqual({ body: { a: '1' } });
    expect(served.taken).toEqual({});
  });
});

function readsForms(adapter: DirectRoutesAdapter): void {
  adapter.useBodyParser('json', false, { limit: 100 });
  adapter.useBodyParser('urlencoded', false, { limit: 100, extended: false });
}

async function post(port: number, path: string, body: string): Promise<unknown> {
  const response = await fetch(`http://localhost:${port}${path}`, { method: 'POST', body: new URLSearchParams(body) });
  return response.json();
}

describe('what happens on the direct way', () => {
  let served: Served;
  beforeEach(() => {
    served = new Served();
    readsForms(served.adapter);
  });
  afterEach(() => served.close());

  it('runs the middlewares before it, in their order, and the hooks of Nest', async () => {
    const order: string[] = [];
    served.adapter.use((_request: Request, _response: Response, next: () => void) => (order.push('one'), next()));
    served.adapter.use(async (_request: Request, _response: Response, next: () => void) => (order.push('two'), next()));
    served.adapter.setOnRequestHook((_request, _response, done) => (order.push('hook'), done()));
    served.adapter.get('/', (_request: Request, response: Response) => (order.push('route'), response.json({})));
    await served.listen();
    const sent = new Promise<void>((resolve) => served.adapter.setOnResponseHook(() => resolve()));
    await served.get('/');
    await sent;
    expect(order).toEqual(['hook', 'one', 'two', 'route']);
    expect(served.taken).toEqual({ 'GET /': 1 });
  });

  it.each<[string, Handler]>([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
    ['passes on an error', (_request, _response, next) => next(new Error('no'))],
    ['gives the request back', (_request, _response, next) => next()],
  ])(
    'an error goes to Express’s handlers, each middleware having run once: a handler that %s',
    async (_name, handler) => {
      let times = 0;
      served.adapter.setOnRequestHook((_request, _response, done) => ((times += 1), done()));
      served.adapter.get('/', handler);
      await served.listen();
      expect(await served.get('/')).toEqual({ status: 500, body: { failed: true } });
      expect(served.errors).toHaveLength(1);
      expect(times).toBe(1);
      expect(served.taken).toEqual({ 'GET /': 1 });
    },
  );

  it('a middleware that fails, or answers, ends it', async () => {
    const handler = vi.fn(says('route'));
    served.adapter.use((request: Request, response: Response, next: (error?: unknown) => void) => {
      if (request.query.fail !== undefined) next(new Error('no'));
      else response.json({ text: 'middleware' });
    });
    served.adapter.get('/', handler);
    await served.listen();
    expect(await served.get('/?fail=1')).toEqual({ status: 500, body: { failed: true } });
    expect(await served.get('/')).toEqual({ status: 200, body: { text: 'middleware' } });
    expect(handler).not.toHaveBeenCalled();
    expect(served.taken).toEqual({ 'GET /': 2 });
  });

  it('a sender who leaves within its form is not answered, and its handler does not run', async () => {
    const handler = vi.fn(says('route'));
    served.adapter.post('/', handler);
    await served.listen();
    const failed = new Promise<void>((resolve) => (served.onError = resolve));
    const socket = connect(served.port, 'localhost');
    socket.write(
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 20\r\n\r\na=1',
    );
    socket.once('connect', () => setImmediate(() => socket.destroy()));
    await failed;
    expect(handler).not.toHaveBeenCalled();
    expect(served.errors).toMatchObject([{ status: 400, message: 'request aborted' }]);
    expect(served.taken).toEqual({ 'POST /': 1 });
  });

  it('a server that is closing says so', async () => {
    served.adapter.get('/', says('route'));
    await served.listen();
    served.adapter.beforeClose();
    const response = await fetch(`http://localhost:${served.port}/`);
    expect([response.status, await response.text(), response.headers.get('connection')]).toEqual([
      503,
      'Service Unavailable',
      'close',
    ]);
  });

  it('a request on a kept connection finds nothing of the one before', async () => {
    served.adapter.post('/', (request: Request, response: Response) =>
      response.json({ body: request.body as unknown, query: request.query }),
    );
    await served.listen();
    expect(await post(served.port, '/?q=1', 'a=1')).toEqual({ body: { a: '1' }, query: { q: '1' } });
    expect(await post(served.port, '/', 'b=2')).toEqual({ body: { b: '2' }, query: {} });
  });

  it.each([
    ['a method that is not there', 'PUT', '/'],
    ['HEAD', 'HEAD', '/'],
  ])('%s is Express’s', async (_name, method, path) => {
    served.adapter.get('/', says('route'));
    await served.listen();
    await new Promise<void>((resolve) => {
      httpRequest({ port: served.port, host: 'localhost', method, path }, (response) =>
        response.resume().once('end', resolve),
      ).end();
    });
    expect(served.taken).toEqual({});
  });
});
