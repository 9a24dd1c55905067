import { loadSettings } from '../config/settings.js';
import { EgressClient } from './egress.client.js';
import { EgressError } from './egress.js';

vi.mock('undici', () => {
  throw new Error('not installed');
});

describe('an outgoing request', () => {
  it('fails as any other where the package that sends it cannot be imported', async () => {
    const client = new EgressClient(loadSettings({}));
    const answer = client.request({ method: 'GET', url: 'https://example.com/', timeoutMs: 1000 });
    await expect(answer).rejects.toEqual(new EgressError('failed'));
    await client.onApplicationShutdown();
  });
});
