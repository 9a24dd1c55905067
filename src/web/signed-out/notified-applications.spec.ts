import { notifiedApplications, type Notice } from './notified-applications.js';

const notice = (clientId: string, state: Notice['state']): Notice => ({ clientId, clientName: clientId, state });
const frame = (clientId: string, asked = true) => ({ clientId, clientName: clientId, asked });

describe('what the signed-out page says of each application', () => {
  it('calls one that was asked by a frame asked, and never confirmed', () => {
    expect(notifiedApplications([], [frame('wiki')])).toEqual([{ name: 'wiki', state: 'asked' }]);
  });

  it.each([
    ['delivered', 'confirmed'],
    ['pending', 'pending'],
    ['rejected', 'unreachable'],
    ['abandoned', 'unreachable'],
  ] as const)('judges one with both channels by its notice: %s is %s', (state, word) => {
    expect(notifiedApplications([notice('wiki', state)], [frame('wiki')])).toEqual([{ name: 'wiki', state: word }]);
    expect(notifiedApplications([notice('wiki', state)], [frame('wiki', false)])).toEqual([
      { name: 'wiki', state: word },
    ]);
  });

  it('does not claim to have asked one whose address may not be loaded', () => {
    expect(notifiedApplications([], [frame('wiki', false)])).toEqual([{ name: 'wiki', state: 'unreachable' }]);
  });

  it('names an application once, by the worst that happened at it, and all of them in order', () => {
    const notices = [notice('wiki', 'delivered'), notice('wiki', 'abandoned'), notice('wiki', 'delivered')];
    expect(notifiedApplications([...notices, notice('mail', 'delivered')], [frame('board')])).toEqual([
      { name: 'board', state: 'asked' },
      { name: 'mail', state: 'confirmed' },
      { name: 'wiki', state: 'unreachable' },
    ]);
  });

  it('goes on trying as long as anything is pending', () => {
    expect(notifiedApplications([notice('wiki', 'abandoned'), notice('wiki', 'pending')], [])).toEqual([
      { name: 'wiki', state: 'pending' },
    ]);
  });
});
