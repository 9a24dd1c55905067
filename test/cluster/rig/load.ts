import { setTimeout as pause } from 'node:timers/promises';
import { Browser } from '../../support/http.js';
import type { Application, SignedIn } from '../../faults/scene.js';
import type { Operator } from '../../start/service.js';

/** Requests a second, each kind by itself, whatever becomes of those before. */
const RATES = { dialog: 6, admin: 2, refresh: 8, revoke: 1, introspect: 8 };
/** A caller that gives up: longer than the service takes to say that storage is silent. */
const PATIENCE_MS = 30_000;
const NO_ANSWER = 'no answer';

/** What people and applications do to two nodes all the while, and what they were answered. */
export interface Plan {
  /** Base URLs: the nodes take turns, without affinity. */
  readonly nodes: readonly string[];
  readonly operator: (base: string) => Operator;
  readonly applications: readonly Application[];
  /** Everybody is signed in to every application, so each has as many entries as there are applications. */
  readonly people: readonly SignedIn[];
}

/** A refresh token that one application goes on using, the newest that it was given. */
interface Chain {
  readonly application: Application;
  token: string;
}

export class Load {
  /** How many answers of which kind: `dialog 200`, `refresh no answer`. */
  readonly answers = new Map<string, number>();
  /** What was said to be over, with the word that it was: sessions by their id. */
  readonly ended = new Set<string>();
  readonly revoked: { readonly application: Application; readonly token: string }[] = [];
  /** Answers that must never be given, in words. */
  readonly wrong: string[] = [];
  readonly chains: Chain[];
  private readonly toEnd: string[];
  private readonly toRevoke: SignedIn[];
  private readonly entries = new Map<string, SignedIn[]>();
  private readonly underWay = new Set<Promise<void>>();
  private running = true;
  private turn = 0;

  constructor(private readonly plan: Plan) {
    for (const entry of plan.people)
      this.entries.set(entry.sessionId, [...(this.entries.get(entry.sessionId) ?? []), entry]);
    const sessions = [...this.entries.keys()];
    const own = Math.floor(sessions.length / 10);
    this.chains = sessions
      .slice(0, own)
      .map((id) => this.entryOf(id))
      .map((entry) => ({ application: this.applicationOf(entry), token: entry.refreshToken }));
    this.toRevoke = sessions.slice(own, 2 * own).map((id) => this.entryOf(id));
    this.toEnd = sessions.slice(2 * own);
  }

  start(): void {
    for (const [kind, rate] of Object.entries(RATES) as [keyof typeof RATES, number][]) void this.repeat(kind, rate);
  }

  /** Begins nothing more, and returns when everything that was begun has been answered. */
  async stop(): Promise<void> {
    this.running = false;
    while (this.underWay.size > 0) await Promise.all(this.underWay);
  }

  entryOf(sessionId: string): SignedIn {
    const [entry] = this.entries.get(sessionId) ?? [];
    if (entry === undefined) throw new Error(`nobody has the session ${sessionId}`);
    return entry;
  }

  /** The `sid` of the session at each application. */
  sidsOf(sessionId: string): string[] {
    return (this.entries.get(sessionId) ?? []).map(({ sid }) => sid);
  }

  applicationOf(entry: SignedIn): Application {
    const application = this.plan.applications.find(({ clientId }) => clientId === entry.clientId);
    if (application === undefined) throw new Error(`there is no application ${entry.clientId}`);
    return application;
  }

  /** Asks a node whether the token is alive. Undefined: it could not say. */
  async isActive(base: string, application: Application, token: string): Promise<boolean | undefined> {
    const { status, body } = await this.tokenRequest('introspect', base, application, { token });
    return status === 200 ? (JSON.parse(body) as { active: boolean }).active : undefined;
  }

  /** Repeats the last refresh of a chain until it is answered. @returns the status */
  async refresh(chain: Chain, base = this.nextNode()): Promise<number | undefined> {
    const { status, body } = await this.tokenRequest('token', base, chain.application, {
      grant_type: 'refresh_token',
      refresh_token: chain.token,
    });
    if (status === 200) chain.token = (JSON.parse(body) as { refresh_token: string }).refresh_token;
    return status;
  }

  private async repeat(kind: keyof typeof RATES, rate: number): Promise<void> {
    const acts: Record<keyof typeof RATES, () => Promise<void>> = {
      dialog: () => this.signOut(),
      admin: () => this.end(),
      refresh: () => this.goOn(),
      revoke: () => this.revoke(),
      introspect: () => this.ask(),
    };
    const began = performance.now();
    for (let i = 1; this.running; i += 1) {
      const act = acts[kind]().catch((error: unknown) => {
        this.wrong.push(`${kind}: ${error instanceof Error ? error.message : String(error)}`);
      });
      this.underWay.add(act);
      void act.finally(() => this.underWay.delete(act));
      await pause(Math.max(0, began + (i * 1000) / rate - performance.now()));
    }
  }

  /** A person: the page that asks, and yes. Who got no answer tries again. */
  private async signOut(): Promise<void> {
    const sessionId = this.toEnd.shift();
    if (sessionId === undefined) return;
    const browser = new Browser(this.nextNode());
    browser.setCookie('exeunt_session', this.entryOf(sessionId).cookie);
    const { status } = await this.answered('dialog', async () => {
      const dialog = await browser.get('/session/end_session');
      const page = dialog.has('logout-yes') ? await browser.submit(dialog, 'logout-yes') : dialog;
      return { status: page.status, body: page.body };
    });
    await this.isOver(sessionId, status !== undefined && status < 400);
  }

  /** An administrator, at the API. */
  private async end(): Promise<void> {
    const sessionId = this.toEnd.shift();
    if (sessionId === undefined) return;
    const operator = this.plan.operator(this.nextNode());
    const { status } = await this.answered('admin', async () => {
      const response = await operator.request('DELETE', `/sessions/${sessionId}`);
      return { status: response.status, body: await response.text() };
    });
    await this.isOver(sessionId, status !== undefined && status < 300);
  }

  private async isOver(sessionId: string, over: boolean): Promise<void> {
    if (!over) return void this.toEnd.push(sessionId);
    this.ended.add(sessionId);
    const entry = this.entryOf(sessionId);
    await this.mustBeDead(this.applicationOf(entry), entry.refreshToken, `signed out, and alive: ${entry.sid}`);
  }

  private async revoke(): Promise<void> {
    const entry = this.toRevoke.shift();
    if (entry === undefined) return;
    const application = this.applicationOf(entry);
    const { status } = await this.tokenRequest('revoke', this.nextNode(), application, { token: entry.refreshToken });
    if (status !== 200) return void this.toRevoke.push(entry);
    this.revoked.push({ application, token: entry.refreshToken });
    await this.mustBeDead(application, entry.refreshToken, `revoked, and alive: ${entry.sid}`);
  }

  private async mustBeDead(application: Application, token: string, words: string): Promise<void> {
    for (const base of this.plan.nodes)
      if ((await this.isActive(base, application, token)) === true) this.wrong.push(`${words} at ${base}`);
  }

  /** An application goes on. It takes a chain for itself, so that it never asks twice at once. */
  private async goOn(): Promise<void> {
    const chain = this.chains.shift();
    if (chain === undefined) return;
    const status = await this.refresh(chain);
    if (status !== undefined && status !== 200 && status !== 503) this.wrong.push(`a refresh was answered ${status}`);
    this.chains.push(chain);
  }

  /** A resource server asks about a token that is alive. */
  private async ask(): Promise<void> {
    const [chain] = this.chains;
    if (chain !== undefined) await this.isActive(this.nextNode(), chain.application, chain.token);
  }

  private tokenRequest(
    path: string,
    base: string,
    { clientId, clientSecret }: Application,
    fields: Record<string, string>,
  ): Promise<Answered> {
    return this.answered(path, async () => {
      const response = await fetch(`${base}/${path}`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
        body: new URLSearchParams(fields),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      return { status: response.status, body: await response.text() };
    });
  }

  private async answered(kind: string, ask: () => Promise<{ status: number; body: string }>): Promise<Answered> {
    let answer: Answered = { status: undefined, body: '' };
    try {
      answer = await ask();
    } catch {
      // The node is gone, or was cut off.
    }
    const key = `${kind} ${answer.status ?? NO_ANSWER}`;
    this.answers.set(key, (this.answers.get(key) ?? 0) + 1);
    return answer;
  }

  private nextNode(): string {
    this.turn += 1;
    return this.plan.nodes[this.turn % this.plan.nodes.length] ?? '';
  }
}

interface Answered {
  /** Undefined: there was no answer. */
  readonly status: number | undefined;
  readonly body: string;
}
