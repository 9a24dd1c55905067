import { createHash } from 'node:crypto';
import { runInNewContext } from 'node:vm';
import { sessionStateOf } from '../../platform/oidc/session-state.js';
import { checkSessionScript } from './check-session.script.js';

const NAME = 'exeunt_browser_state';
const ORIGIN = 'https://ledger.example.com';
const STATE = sessionStateOf('ledger', ORIGIN, 'a-state') ?? '';

interface World {
  /** What the browser keeps. */
  readonly jar?: Record<string, string>;
  readonly keepsCookies?: boolean;
  /** Undefined: this browser has no such question. */
  readonly hasStorageAccess?: (() => Promise<boolean>) | undefined;
  readonly throws?: boolean;
}

/** The frame in a world without `crypto`; answers with what it posted, and to which origin. */
function frame({ jar = { [NAME]: 'a-state' }, keepsCookies = true, hasStorageAccess, throws = false }: World = {}) {
  const cookies = new Map(Object.entries(jar));
  let listener: ((event: object) => void) | undefined;
  const document = {
    get cookie() {
      if (throws) throw new Error('SecurityError');
      return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    },
    set cookie(text: string) {
      if (throws) throw new Error('SecurityError');
      const [pair = ''] = text.split('; ');
      const [name = '', value = ''] = pair.split('=');
      if (!keepsCookies) return;
      if (text.includes('Max-Age=0')) cookies.delete(name);
      else cookies.set(name, value);
    },
    ...(hasStorageAccess === undefined ? {} : { hasStorageAccess }),
  };
  runInNewContext(checkSessionScript({ name: NAME, secure: false }), {
    document,
    addEventListener: (_type: string, added: typeof listener) => (listener = added),
  });
  return {
    cookies,
    async ask(data: unknown, origin = ORIGIN): Promise<[string, string] | undefined> {
      let posted: [string, string] | undefined;
      const source = { postMessage: (word: string, to: string) => void (posted = [word, to]) };
      listener?.({ data, origin, source });
      // The question about storage is answered in a later turn.
      await new Promise((resolve) => setImmediate(resolve));
      return posted;
    },
  };
}

describe('the script of check_session_iframe (Session Management 1.0 §3.2)', () => {
  it('answers unchanged to the origin that asked, and to that alone', async () => {
    expect(await frame().ask(`ledger ${STATE}`)).toEqual(['unchanged', ORIGIN]);
  });

  it.each([
    ['another state of the browser', { jar: { [NAME]: 'b-state' } }, `ledger ${STATE}`, ORIGIN],
    ['another client', {}, `calendar ${STATE}`, ORIGIN],
    [
      'a foreign origin with a stolen session_state (threat-model#session-frame-spoofing)',
      {},
      `ledger ${STATE}`,
      'https://evil.example.com',
    ],
    ['another port', {}, `ledger ${STATE}`, `${ORIGIN}:8443`],
    ['another salt', {}, `ledger ${STATE}x`, ORIGIN],
  ])('answers changed to %s', async (_what, world: World, message, origin) => {
    expect(await frame(world).ask(message, origin)).toEqual(['changed', origin]);
  });

  it.each<[string, unknown]>([
    ['nothing', ''],
    ['no session_state', 'ledger'],
    ['no client', ` ${STATE}`],
    ['no salt', `ledger ${STATE.split('.')[0]}.`],
    ['no hash', 'ledger .salt'],
    ['an object', { client_id: 'ledger' }],
    ['a number', 1],
    ['a line feed behind', `ledger ${STATE}\n`],
  ])('answers error to %s', async (_what, message) => {
    expect(await frame().ask(message)).toEqual(['error', ORIGIN]);
  });

  it('reads a client id with a space in it', async () => {
    const state = sessionStateOf('my ledger', ORIGIN, 'a-state');
    expect(await frame().ask(`my ledger ${state}`)).toEqual(['unchanged', ORIGIN]);
  });

  it('says nothing to a page without an origin', async () => {
    expect(await frame().ask(`ledger ${STATE}`, 'null')).toBeUndefined();
  });

  describe('when there is no state', () => {
    const given = (answer: boolean) => () => Promise.resolve(answer);
    it.each<[string, World, string]>([
      ['the cookies were cleared', { hasStorageAccess: given(true) }, 'changed'],
      ['they were cleared in an old browser', {}, 'changed'],
      ['the browser says that it keeps them from frames', { hasStorageAccess: given(false) }, 'error'],
      ['the browser does not say', { hasStorageAccess: () => Promise.reject(new Error('no')) }, 'error'],
      ['it claims to give them and does not', { keepsCookies: false, hasStorageAccess: given(true) }, 'error'],
      ['an old browser does not keep them', { keepsCookies: false }, 'error'],
      ['to look at them is forbidden', { throws: true }, 'error'],
    ])('%s', async (_what, world, word) => {
      const alone = frame({ jar: { other: 'x' }, ...world });
      expect(await alone.ask(`ledger ${STATE}`)).toEqual([word, ORIGIN]);
      expect([...alone.cookies.keys()]).toEqual(['other']);
    });
  });

  it('hashes as everybody does, at each length around a block and beyond ASCII', async () => {
    for (const client of [
      ...Array.from({ length: 130 }, (_, n) => 'x'.repeat(n + 1)),
      'Bücher',
      '退出',
      '🚪'.repeat(30),
    ]) {
      const digest = createHash('sha256').update(`${client} ${ORIGIN} a-state s`).digest('hex');
      expect(await frame().ask(`${client} ${digest}.s`)).toEqual(['unchanged', ORIGIN]);
    }
  });
});
