import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/ports.js';

/** The last line of what a start prints. */
const READY = 'one sign-out.';
export const ADMIN_ENV = { EXEUNT_ADMIN_CLIENT_ID: 'operator', EXEUNT_ADMIN_CLIENT_SECRET: 'operator-secret-operator' };

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Builds once, before the first start: a test's time is for what it tests. */
export function buildOnce(): void {
  const code = `import('./scripts/build-if-needed.mjs').then((module) => module.buildIfNeeded())`;
  const { status, stdout } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the build failed:\n${stdout}`);
}

/** A directory that Postgres's account can get to. */
export function aDataDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'exeunt-start-'));
  chmodSync(directory, 0o755);
  return directory;
}

export function remove(...directories: readonly string[]): void {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
}

/** The service as an operator has it: a process of its own, with nothing of the test's environment. */
export class Service {
  output = '';
  readonly ended: Promise<Ended>;
  private readonly waiting = new Set<() => void>();

  private constructor(
    readonly child: ChildProcess,
    readonly base: string,
  ) {
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data: Buffer) => this.hear(data.toString()));
    this.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
    void this.ended.then(() => this.wake());
  }

  static async launch(
    env: Readonly<Record<string, string>>,
    options: { readonly args?: readonly string[]; readonly cwd?: string } = {},
  ): Promise<Service> {
    const port = env.PORT ?? String(await freePort());
    const child = spawn(process.execPath, options.args ?? ['scripts/start.mjs'], {
      env: { PATH: process.env.PATH, PORT: port, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Service(child, `http://localhost:${port}`);
  }

  static async start(env: Readonly<Record<string, string>>): Promise<Service> {
    const service = await Service.launch(env);
    await service.says(READY);
    return service;
  }

  /** Waits until it has printed these words. */
  async says(words: string): Promise<void> {
    let over = false;
    void this.ended.then(() => (over = true));
    while (!this.output.includes(words)) {
      if (over) throw new Error(`it ended before it said "${words}":\n${this.output}`);
      await new Promise<void>((resolve) => this.waiting.add(resolve));
    }
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async stop(name: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.signal(name);
    return this.ended;
  }

  private hear(text: string): void {
    this.output += text;
    this.wake();
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }
}

/** An operator at the service's API. */
export class Operator {
  private constructor(
    readonly base: string,
    private readonly token: string,
  ) {}

  static async at(
    base: string,
    id = ADMIN_ENV.EXEUNT_ADMIN_CLIENT_ID,
    secret = ADMIN_ENV.EXEUNT_ADMIN_CLIENT_SECRET,
  ): Promise<Operator> {
    const response = await tokenRequest(base, id, secret);
    if (response.status !== 200) throw new Error(`no token: ${response.status} ${await response.text()}`);
    return new Operator(base, ((await response.json()) as { access_token: string }).access_token);
  }

  /** Whatever it is answered. */
  request(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(`${this.base}/admin/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async call<Body>(method: string, path: string, body?: unknown): Promise<Body> {
    const response = await this.request(method, path, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return JSON.parse(text) as Body;
  }
}

export function tokenRequest(base: string, id: string, secret: string): Promise<Response> {
  return fetch(`${base}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
}
