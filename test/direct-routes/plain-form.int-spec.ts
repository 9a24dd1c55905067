import express, { type Request, type Response } from 'express';
import { Readable } from 'node:stream';
import { plainForm } from '../../src/web/kit/direct/plain-form.js';
import { Seeded } from '../support/seeded.js';

const parser = express.urlencoded({ extended: false, limit: 65_536 });

/** What Express makes of a body; an error as its status. */
function parsed(body: Buffer): Promise<unknown> {
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': String(body.length),
  };
  const request = Object.assign(Readable.from(body, { objectMode: false }), { headers }) as unknown as Request;
  return new Promise((resolve) => {
    parser(request, {} as Response, (error?: unknown) =>
      resolve(error === undefined ? request.body : (error as { status: number }).status),
    );
  });
}

const NAMES = [
  'grant_type',
  'scope',
  'a',
  'B',
  'x-y',
  'x.y',
  '_',
  '__proto__',
  'constructor',
  '1',
  'a[]',
  'a%5B0%5D',
  'n%61me',
  '',
];
const PIECES = [
  'a',
  'Z',
  '0',
  '-',
  '.',
  '~',
  '+',
  '%20',
  '%2B',
  '%26',
  '%3D',
  '%C3%A4',
  '%F0%9F%98%80',
  '%ff',
  '%',
  '%zz',
  '=',
  ';',
  '/',
  '?',
  '#',
  '"',
  "'",
  '\\',
  '[',
  ']',
  '%5b',
  '%5D',
  ' ',
  '\0',
  '\r\n',
  'ä',
  '\uFEFF',
  '%00',
  '%EF%BB%BF',
];

function bodyOf(seeded: Seeded, pieces: readonly string[], names: readonly string[]): Buffer {
  const members = seeded.many(5, () => {
    const value = seeded.many(6, () => seeded.one(pieces)).join('');
    return seeded.below(12) === 0 ? value : `${seeded.one(names)}=${value}`;
  });
  return Buffer.from(members.join('&'));
}

describe('a form that is read by a short way', () => {
  it.each([1, 2, 3, 4])('is what Express reads, or is left to it (seed %i)', async (seed) => {
    const seeded = new Seeded(seed);
    const counts = { read: 0, left: 0 };
    for (let index = 0; index < 3000; index += 1) {
      const odd = seeded.below(2) === 0;
      const body = bodyOf(seeded, odd ? PIECES : PIECES.slice(0, 13), odd ? NAMES : NAMES.slice(0, 7));
      const form = plainForm(body);
      counts[form === undefined ? 'left' : 'read'] += 1;
      if (form !== undefined) expect(form, body.toString()).toEqual(await parsed(body));
    }
    // Neither answer is a rule.
    expect(counts.read).toBeGreaterThan(500);
    expect(counts.left).toBeGreaterThan(500);
  });

  it('is any that an OAuth client sends', () => {
    const form = {
      grant_type: 'authorization_code',
      code: 'Zm9v-_.~',
      redirect_uri: 'https://app.example.test:8443/callback?x=1&y=ä',
      scope: 'openid profile offline_access',
      client_assertion: `${'e'.repeat(300)}.${'y'.repeat(300)}.${'J'.repeat(86)}`,
    };
    expect(plainForm(Buffer.from(new URLSearchParams(form).toString()))).toEqual(form);
  });

  it('is not longer than Express allows', async () => {
    const members = (count: number): Buffer =>
      Buffer.from(Array.from({ length: count }, (_, index) => `a${index}=`).join('&'));
    expect(Object.keys(plainForm(members(1000)) ?? {})).toHaveLength(1000);
    expect(plainForm(members(1001))).toBeUndefined();
    expect(await parsed(members(1001))).toBe(413);
  });
});
