import { generateKeyPairSync, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { hashesAtOnce, HasherBusyError, PasswordHasher } from './password-hasher.js';

const CORES = 16;
vi.mock('node:os', async (original) => ({
  ...(await original<typeof import('node:os')>()),
  availableParallelism: () => CORES,
}));

/** When it is set, passwords are not hashed: what would be done is noted here, in its order, and has to be ended. */
const stub = vi.hoisted(() => ({ started: undefined as string[] | undefined, end: [] as (() => void)[] }));
vi.mock('@node-rs/argon2', async (original) => {
  const real = await original<typeof import('@node-rs/argon2')>();
  const verify = (hash: string, password: string): Promise<boolean> => {
    if (stub.started === undefined) return real.verify(hash, password);
    stub.started.push(password);
    return new Promise((resolve) => stub.end.push(() => resolve(false)));
  };
  return { ...real, verify };
});

describe('how many passwords are hashed at once', () => {
  it.each([
    [1, undefined, 2],
    [2, undefined, 2],
    [4, undefined, 3],
    [16, undefined, 3],
    [16, '8', 7],
    [4, '64', 3],
    [16, '2', 1],
    [16, '1', 1],
    // As libuv reads it.
    [16, '0', 1],
    [16, 'many', 1],
  ])('%i cores, UV_THREADPOOL_SIZE %s: %i', (cores, threads, expected) => {
    expect(hashesAtOnce(cores, threads)).toBe(expected);
  });

  it('signatures in the thread pool go on while passwords wait: many to each password, not one', async () => {
    const hasher = new PasswordHasher();
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const signed = promisify(sign);
    const done = { hashes: 0, signatures: 0 };
    const all = Array.from({ length: 16 }, async () => {
      await hasher.verify(null, 'a password');
      done.hashes += 1;
    });
    // Until then each thread that may hash has one to hash.
    while (done.hashes < 12) {
      await signed('sha256', Buffer.from('claims'), privateKey);
      done.signatures += 1;
    }
    const counted = done.signatures / done.hashes;
    await Promise.all(all);
    expect(counted).toBeGreaterThan(2);
  });

  it('two hundred wait, first come first served; one more gets 503 with a time to come back', async () => {
    stub.started = [];
    const hasher = new PasswordHasher();
    const limit = hashesAtOnce(CORES, process.env.UV_THREADPOOL_SIZE);
    const passwords = Array.from({ length: limit + 200 }, (_, n) => `password ${n}`);
    const work = passwords.map((password) => hasher.verify(null, password));
    await vi.waitFor(() => expect(stub.end).toHaveLength(limit));
    await expect(async () => hasher.verify(null, 'one more')).rejects.toThrow(HasherBusyError);
    await expect(async () => hasher.hash('one more')).rejects.toMatchObject({ status: 503, retryAfterSeconds: 2 });
    for (let ended = 0; ended < work.length; ended += 1) {
      await vi.waitFor(() => expect(stub.end.length).toBeGreaterThan(ended));
      expect(stub.end.length).toBeLessThanOrEqual(ended + limit);
      stub.end[ended]?.();
    }
    await Promise.all(work);
    expect(stub.started).toEqual(passwords);
    stub.started = undefined;
  });
});
