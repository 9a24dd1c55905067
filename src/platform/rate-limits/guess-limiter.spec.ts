import { nameOf } from './guess-limiter.js';

describe('what wrong guesses are remembered under', () => {
  const LONG = 'x'.repeat(60_000);

  it('is short, however long the text is that was sent', () => {
    expect(nameOf(0, ['ledger', '192.0.2.1'])).toBe('0\0ledger\x00192.0.2.1');
    expect(nameOf(0, [LONG, '192.0.2.1']).length).toBeLessThan(128);
  });

  it('is the same for the same text and another one for another text, limit or address', () => {
    const names = [
      nameOf(0, [LONG, '192.0.2.1']),
      nameOf(0, [`${LONG}y`, '192.0.2.1']),
      nameOf(0, [LONG, '192.0.2.2']),
      nameOf(2, [LONG, '192.0.2.1']),
    ];
    expect(new Set(names).size).toBe(4);
    expect(nameOf(0, [LONG, '192.0.2.1'])).toBe(names[0]);
  });
});
