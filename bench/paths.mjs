import { setTimeout as wait } from 'node:timers/promises';
import { expectStatus } from './lib/http.mjs';
import { APPLICATIONS, LANES } from './lib/target.mjs';

/** Long enough for what follows a notice: its record, and the receipt of the logout, issued once a second. */
const SETTLE_MS = 1500;
const RECEIVE_MS = 60_000;

/**
 * What is measured. `share` is how many operations a slice has, of `--requests`; `prepare` is not measured and gives the
 * slice what it needs; `run` is. `goal` is how many times cheaper than the peer, `floor` the bare request to compare with.
 */
export const PATHS = [
  {
    name: 'discovery',
    title: 'Discovery, JWKS',
    goal: 2.5,
    floor: '/reply',
    share: 2,
    run: (target, count) =>
      target.each(count, async (connection, index) => {
        const path = index % 2 === 0 ? target.paths.discovery : target.paths.jwks;
        expectStatus(await connection.get(path), 200, path);
      }),
  },
  {
    name: 'client_credentials',
    title: 'Token for a program (client_credentials)',
    goal: 2.5,
    floor: '/sign',
    share: 1,
    run: (target, count) => target.each(count, (connection) => target.machineToken(connection)),
  },
  {
    name: 'introspect_client',
    title: "Introspection of a program's token",
    goal: 4,
    floor: '/select',
    share: 1.5,
    prepare: machineTokens(20),
    run: (target, count, tokens) =>
      target.each(count, (connection, index) =>
        target.introspect(connection, target.machine, tokens[index % tokens.length]),
      ),
  },
  {
    name: 'introspect_person',
    title: "Introspection of a person's token",
    goal: 4,
    floor: '/select',
    share: 1.5,
    prepare: peoplesTokens,
    run: (target, count, tokens) =>
      target.each(count, (connection, index) =>
        target.introspect(connection, target.applications[0], tokens[index % tokens.length]),
      ),
  },
  {
    name: 'userinfo',
    title: 'Userinfo',
    goal: 6,
    floor: '/select',
    share: 1.5,
    prepare: peoplesTokens,
    run: (target, count, tokens) =>
      target.each(count, (connection, index) => target.userinfo(connection, tokens[index % tokens.length])),
  },
  {
    name: 'revoke',
    title: 'Revocation of a token',
    goal: 2.5,
    floor: '/insert',
    share: 0.5,
    prepare: (target, count) => machineTokens(count)(target),
    run: (target, count, tokens) =>
      target.each(count, (connection, index) => target.revoke(connection, target.machine, tokens[index])),
  },
  {
    name: 'refresh',
    title: 'Refresh',
    goal: 3.4,
    share: 0.5,
    prepare: people,
    run: (target, count, chains) =>
      Promise.all(
        chains.map(async (chain, lane) => {
          for (let n = 0; n < Math.ceil(count / LANES); n += 1)
            chain.tokens = await target.refresh(target.lanes[lane], chain.tokens);
        }),
      ),
  },
  {
    name: 'sign_in',
    title: 'Sign-in, with code exchange, without the hash',
    goal: 2.5,
    share: 0.25,
    run: (target, count) => target.each(count, (connection, index) => target.signIn(connection, index)),
  },
  {
    name: 'authorize',
    title: 'Another application, with the session that is there',
    share: 0.3,
    prepare: (target, count) => sessions(target, Math.ceil(count / (APPLICATIONS - 1))),
    run: (target, _count, begun) => joinOthers(target, begun),
    operations: (_count, begun) => begun.length * (APPLICATIONS - 1),
  },
  {
    name: 'sign_out',
    title: 'Sign-out, ten applications notified',
    goal: 4,
    share: 0.05,
    prepare: async (target, count, receivers) => {
      const begun = await sessions(target, count);
      await joinOthers(target, begun);
      return { begun, before: await receivers.count(target.name) };
    },
    run: async (target, count, { begun, before }, receivers) => {
      await target.each(begun.length, (connection, index) => target.signOut(connection, begun[index]));
      await receivers.until(target.name, before + begun.length * APPLICATIONS, RECEIVE_MS);
      await wait(SETTLE_MS);
    },
  },
];

/** Requests to the bare process. */
export const FLOORS = ['/reply', '/select', '/insert', '/sign'].map((path) => ({
  name: path,
  share: path === '/insert' ? 0.5 : 1.5,
  run: (target, count) => target.each(count, async (connection) => expectStatus(await connection.get(path), 200, path)),
}));

function machineTokens(count) {
  return async (target) => {
    const tokens = [];
    await target.each(count, async (connection) => {
      tokens.push(await target.machineToken(connection));
    });
    return tokens;
  };
}

/** One signed-in person for each connection, kept from slice to slice, each with a chain of refresh tokens. */
async function people(target) {
  target.people ??= await sessions(target, LANES);
  return target.people;
}

/** Their access tokens, fresh ones. */
async function peoplesTokens(target) {
  const chains = await people(target);
  for (const [lane, chain] of chains.entries()) chain.tokens = await target.refresh(target.lanes[lane], chain.tokens);
  return chains.map(({ tokens }) => tokens.access_token);
}

async function sessions(target, count) {
  const begun = [];
  await target.each(count, async (connection, index) => {
    begun.push(await target.signIn(connection, index));
  });
  return begun;
}

/** Every session goes to each further application; one browser asks one thing at a time. */
function joinOthers(target, begun) {
  return target.each(begun.length, async (connection, index) => {
    for (let n = 1; n < APPLICATIONS; n += 1) await target.join(begun[index], connection, n);
  });
}
