import { createSecretKey, randomBytes } from 'node:crypto';
import { Clock } from '../clock/clock.js';
import { Sealer } from './sealer.js';

class MovableClock extends Clock {
  ms = 0;
  override now(): Date {
    return new Date(this.ms);
  }
}

function aSealer(clock = new MovableClock(), sealingKey = createSecretKey(randomBytes(32))): Sealer {
  return new Sealer({ sealingKey }, clock);
}

describe('Sealer (threat-model#forged-browser-state: no state of ours in the browser without a MAC)', () => {
  const VALUE = { sessionId: 's1', nested: { list: [1, null, 'é'] } };

  it('gives back what it sealed, and shows nothing of it', () => {
    const sealer = aSealer();
    const sealed = sealer.seal('dialog', VALUE, 1000);
    expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('s1');
    expect(sealer.open('dialog', sealed)).toEqual(VALUE);
    expect(sealer.seal('dialog', VALUE, 1000)).not.toBe(sealed);
  });

  it('opens nothing that was sealed for another purpose or under another key', () => {
    const sealer = aSealer();
    const sealed = sealer.seal('dialog', VALUE, 1000);
    expect(sealer.open('interaction', sealed)).toBeUndefined();
    expect(aSealer().open('dialog', sealed)).toBeUndefined();
  });

  it('opens nothing of which a single bit was changed', () => {
    const sealer = aSealer();
    const bytes = Buffer.from(sealer.seal('dialog', VALUE, 1000), 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const forged = Buffer.from(bytes);
      forged[at] = forged[at]! ^ 1;
      expect(sealer.open('dialog', forged.toString('base64url'))).toBeUndefined();
    }
  });

  it.each(['', 'x', 'not base64 at all !', 'A'.repeat(38), 'A'.repeat(200)])('opens nothing of %j', (sealed) => {
    expect(aSealer().open('dialog', sealed)).toBeUndefined();
  });

  it('opens nothing after its time', () => {
    const clock = new MovableClock();
    const sealer = aSealer(clock);
    const sealed = sealer.seal('dialog', VALUE, 1000);
    clock.ms = 999;
    expect(sealer.open('dialog', sealed)).toEqual(VALUE);
    clock.ms = 1000;
    expect(sealer.open('dialog', sealed)).toBeUndefined();
  });

  it('its MAC is good for one text, one purpose and one key', () => {
    const sealer = aSealer();
    const mac = sealer.mac('csrf', 'browser-1');
    expect(sealer.isMac('csrf', 'browser-1', mac)).toBe(true);
    expect(sealer.isMac('csrf', 'browser-2', mac)).toBe(false);
    expect(sealer.isMac('other', 'browser-1', mac)).toBe(false);
    expect(sealer.isMac('csrf', 'browser-1', '')).toBe(false);
    expect(aSealer().isMac('csrf', 'browser-1', mac)).toBe(false);
  });
});
