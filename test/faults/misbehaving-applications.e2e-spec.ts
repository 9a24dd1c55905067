import type { IncomingMessage, ServerResponse } from 'node:http';
import { buildOnce, Operator, type Service } from '../start/service.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import type { Answer } from '../support/stub-relying-party.js';
import { Application, metric, signedIn, startNode, WAIT } from './scene.js';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

const MIB = 1024 * 1024;
const GIGABYTE = 1024 * MIB;

interface Delivery {
  readonly id: string;
  readonly termination_id: string;
  readonly client_id: string;
  readonly state: string;
  readonly attempts: number;
  readonly next_attempt_at?: string;
  readonly last_error?: string;
}

interface Attempt {
  readonly started_at: string;
  readonly duration_ms: number;
  readonly status?: number;
}

/** Ways to answer, with what the ledger says after the first attempt. */
const MANNERS = {
  'says yes': { answer: 'accept', state: 'delivered' },
  'says yes too': { answer: 204, state: 'delivered' },
  'sends a gigabyte': { answer: aGigabyte, state: 'delivered' },
  'says yes and then one byte a second': { answer: aByteASecond('HTTP/1.1 200 OK\r\n\r\n'), state: 'delivered' },
  'says no': { answer: 400, state: 'rejected', error: 'http_400' },
  'answers 429 beyond the maximum age': { answer: tooManyRequests(3600), state: 'abandoned', error: 'http_429' },
  'answers 429': { answer: tooManyRequests(120), state: 'pending', error: 'http_429' },
  'answers 500': { answer: 500, state: 'pending', error: 'http_500' },
  'answers 302': { answer: elsewhere, state: 'pending', error: 'http_302' },
  'resets the connection': { answer: reset, state: 'pending', error: 'reset' },
  'sends one byte a second': {
    answer: aByteASecond('HTTP/1.1 200 OK\r\nX-Slow: '),
    state: 'pending',
    error: 'timeout',
  },
  hangs: { answer: () => undefined, state: 'pending', error: 'timeout' },
} satisfies Record<string, { answer: Answer | 'accept'; state: string; error?: string }>;
type Manner = keyof typeof MANNERS;

/** What the one that sends a gigabyte got rid of. */
let written = 0;

function aGigabyte(_request: IncomingMessage, response: ServerResponse): void {
  const chunk = Buffer.alloc(MIB);
  response.writeHead(200, { 'content-length': GIGABYTE });
  const more = (): void => {
    if (response.destroyed || written >= GIGABYTE) return;
    response.write(chunk, (error) => {
      if (error != null) return;
      written += chunk.length;
      more();
    });
  };
  more();
}

function aByteASecond(head: string): Answer {
  return ({ socket }) => {
    socket.write(head);
    const timer = setInterval(() => socket.write('x'), 1000);
    socket.once('close', () => clearInterval(timer));
  };
}

function tooManyRequests(seconds: number): Answer {
  return (_request, response) => void response.writeHead(429, { 'retry-after': String(seconds) }).end();
}

function elsewhere(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(302, { location: `http://${request.headers.host}/elsewhere` }).end();
}

function reset({ socket }: IncomingMessage): void {
  socket.resetAndDestroy();
}

describe('one logout, twelve applications, ten of which misbehave', () => {
  const applications = new Map<Manner, Application>();
  let db: TestDatabase;
  let node: Service;
  let operator: Operator;
  let memoryBefore: number;
  /** As it stood when each had been tried, and none had come to reason. */
  let first: Map<string, Delivery>;

  beforeAll(async () => {
    buildOnce();
    db = await createTestDatabase();
    node = await startNode(db.url, { DELIVERY_TIMEOUT_MS: '3000', DELIVERY_MAX_AGE_SECONDS: '1800' });
    operator = await Operator.at(node.base);
    for (const [name, { answer }] of Object.entries(MANNERS) as [Manner, { answer: Answer | 'accept' }][]) {
      const application = await Application.register(operator, name);
      application.always(recorded(name, answer === 'accept' ? application.accept : answer));
      applications.set(name, application);
    }
    const [session] = await signedIn(db, 'person', 1, [...applications.values()], true);
    memoryBefore = await memory();
    await operator.call('DELETE', `/sessions/${session?.sessionId}`);

    first = await vi.waitUntil(async () => {
      const all = await deliveries();
      return [...all.values()].every(({ attempts }) => attempts > 0) && all;
    }, WAIT);
    for (const application of applications.values()) application.always(application.accept);
  });
  afterAll(async () => {
    await node.stop();
    await Promise.all([...applications.values()].map((application) => application.stop()));
    await db.drop();
  });

  const called = (name: Manner): Application => applications.get(name) as Application;
  const memory = async (): Promise<number> =>
    (await metric(node.base, 'process_resident_memory_bytes')).get('') ?? Number.NaN;

  /** What happened at the applications, in order. */
  const events: string[] = [];

  function recorded(name: Manner, answer: Answer): Answer {
    return (request, response) => {
      events.push(name);
      request.socket.once('close', () => events.push(`${name}: left`));
      if (typeof answer === 'number') response.writeHead(answer).end();
      else answer(request, response);
    };
  }

  async function deliveries(): Promise<Map<string, Delivery>> {
    const { items } = await operator.call<{ items: Delivery[] }>('GET', '/deliveries?limit=100');
    return new Map(items.map((delivery) => [delivery.client_id, delivery]));
  }

  async function of(name: Manner): Promise<Delivery> {
    const delivery = (await deliveries()).get(called(name).clientId);
    if (delivery === undefined) throw new Error(`nothing is owed to the one that ${name}`);
    return delivery;
  }

  it('tells everybody before it has given up waiting for the one that hangs', () => {
    const untilThen = events.slice(0, events.indexOf('hangs: left'));
    expect(untilThen).toEqual(expect.arrayContaining(Object.keys(MANNERS)));
  });

  it.each(Object.entries(MANNERS) as [Manner, { state: string; error?: string }][])(
    'has a word for the one that %s',
    (name, { state, error }) => {
      const delivery = first.get(called(name).clientId);
      expect(delivery).toMatchObject({ state });
      expect(delivery?.last_error).toBe(error);
      expect(delivery?.next_attempt_at === undefined).toBe(state !== 'pending');
    },
  );

  it('comes back to the one that answered 429 when it asked for, and not before', async () => {
    const { id, next_attempt_at: next = '' } = await of('answers 429');
    const { attempt_log: log } = await operator.call<{ attempt_log: Attempt[] }>('GET', `/deliveries/${id}`);
    expect(log).toMatchObject([{ status: 429 }]);
    expect(Date.parse(next) - Date.parse(log[0]?.started_at ?? '')).toBeGreaterThanOrEqual(120_000);
    expect(called('answers 429').received).toHaveLength(1);
  });

  it('does not read a gigabyte', async () => {
    expect(written).toBeLessThan(64 * MIB);
    expect((await memory()) - memoryBefore).toBeLessThan(256 * MIB);
  });

  it('tells those that failed again until they accept it, once; who was done is left alone', async () => {
    const again: Manner[] = ['answers 500', 'answers 302', 'resets the connection', 'sends one byte a second', 'hangs'];
    await vi.waitUntil(
      async () => (await Promise.all(again.map(of))).every(({ state }) => state === 'delivered'),
      WAIT,
    );
    for (const name of again) {
      expect(called(name).received).toHaveLength((await of(name)).attempts);
      expect(called(name).accepted).toHaveLength(1);
    }
    for (const [name, application] of applications) {
      if (!again.includes(name)) expect(application.received, name).toHaveLength(1);
    }
    const owed = [...(await deliveries()).values()].filter(({ state }) => state === 'pending');
    expect(owed.map(({ client_id: id }) => id)).toEqual([called('answers 429').clientId]);
  });

  it('tells the rest when an operator says so: every delivery has ended as delivered', async () => {
    const { termination_id: termination } = await of('says no');
    expect(await operator.call('POST', '/deliveries/resend', { termination_id: termination })).toEqual({ resent: 3 });
    await vi.waitUntil(
      async () => [...(await deliveries()).values()].every(({ state }) => state === 'delivered'),
      WAIT,
    );
    for (const name of ['says no', 'answers 429 beyond the maximum age', 'answers 429'] as const) {
      expect(called(name).received).toHaveLength(2);
      expect(called(name).accepted).toHaveLength(1);
    }
  });
});
