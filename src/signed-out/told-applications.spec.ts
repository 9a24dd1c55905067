import { toldApplications, type Notice } from './told-applications.js';

const notice = (clientId: string, state: Notice['state']): Notice => ({ clientId, clientName: clientId, state });
const frame = (clientId: string, url: string | undefined = `https://${clientId}.example/out`) => ({
  clientId,
  clientName: clientId,
  url,
});

describe('what the signed-out page says of each application', () => {
  it('calls one that was asked by a frame asked, and never confirmed', () => {
    expect(toldApplications([], [frame('wiki')])).toEqual([{ name: 'wiki', state: 'asked' }]);
  });

  it.each([
    ['delivered', 'confirmed'],
    ['pending', 'pending'],
    ['rejected', 'unreachable'],
    ['abandoned', 'unreachable'],
  ] as const)('judges one with both channels by its notice: %s is %s', (state, word) => {
    expect(toldApplications([notice('wiki', state)], [frame('wiki')])).toEqual([{ name: 'wiki', state: word }]);
  });

  it('does not claim to have asked one whose address may not be loaded', () => {
    const frames = [{ ...frame('wiki'), url: undefined }];
    expect(toldApplications([], frames)).toEqual([{ name: 'wiki', state: 'unreachable' }]);
  });

  it('names an application once, by the worst that happened at it', () => {
    const notices = [notice('wiki', 'delivered'), notice('wiki', 'abandoned'), notice('wiki', 'pending')];
    expect(toldApplications([...notices, notice('mail', 'delivered')], [])).toEqual([
      { name: 'wiki', state: 'unreachable' },
      { name: 'mail', state: 'confirmed' },
    ]);
  });
});
