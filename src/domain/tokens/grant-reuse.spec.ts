import { GrantReuse } from './grant-reuse.js';

describe('GrantReuse', () => {
  it('tells whoever handles it, and returns when that is done', async () => {
    const reuse = new GrantReuse();
    const told: string[] = [];
    reuse.handleWith(async (...about) => {
      await Promise.resolve();
      told.push(about.join(' '));
    });
    await reuse.detected('g1', 'ledger', 'code_reuse');
    expect(told).toEqual(['g1 ledger code_reuse']);
  });

  it('passes no reuse over: fails where nobody handles it, and when the handler fails', async () => {
    const reuse = new GrantReuse();
    await expect(reuse.detected('g1', 'ledger', 'refresh_token_reuse')).rejects.toThrow('nobody handles');
    reuse.handleWith(() => Promise.reject(new Error('storage is away')));
    await expect(reuse.detected('g1', 'ledger', 'refresh_token_reuse')).rejects.toThrow('storage is away');
  });
});
