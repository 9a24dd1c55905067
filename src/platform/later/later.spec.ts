import { importWhatWaits, later } from './later.js';

describe('a package that is imported later', () => {
  it('is imported once, whoever asks, and not before', async () => {
    let imports = 0;
    const get = later('first', async () => ({ number: (imports += 1) }));
    expect(imports).toBe(0);
    const [one, other] = await Promise.all([get(), get()]);
    expect(one).toBe(other);
    expect(imports).toBe(1);
  });

  it('is there without anyone having asked, once what waits was imported, whatever else fails', async () => {
    let imports = 0;
    const failing = later('missing', () => Promise.reject(new Error('not installed')));
    const get = later('second', async () => ({ number: (imports += 1) }));
    const failed: [string, string][] = [];
    await importWhatWaits((name, error) => failed.push([name, (error as Error).message]));
    expect(failed).toEqual([['missing', 'not installed']]);
    expect(imports).toBe(1);
    await get();
    expect(imports).toBe(1);
    await expect(failing()).rejects.toThrow('not installed');
  });

  it('is tried again when the import failed', async () => {
    let tries = 0;
    const get = later('third', async () => {
      tries += 1;
      if (tries === 1) throw new Error('no file descriptor');
      return tries;
    });
    await expect(get()).rejects.toThrow('no file descriptor');
    await expect(get()).resolves.toBe(2);
  });
});
