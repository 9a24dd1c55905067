import pg from 'pg';

const SCHEMA = `
  CREATE TABLE oidc_payloads (
    model smallint NOT NULL,
    id text NOT NULL,
    payload jsonb NOT NULL,
    grant_id text,
    user_code text,
    uid text,
    consumed_at timestamptz,
    expires_at timestamptz,
    PRIMARY KEY (model, id)
  );
  CREATE INDEX ON oidc_payloads (grant_id) WHERE grant_id IS NOT NULL;
  CREATE UNIQUE INDEX ON oidc_payloads (model, uid) WHERE uid IS NOT NULL;
  CREATE UNIQUE INDEX ON oidc_payloads (user_code) WHERE user_code IS NOT NULL;
  CREATE INDEX ON oidc_payloads (expires_at);
  CREATE TABLE accounts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    login text NOT NULL UNIQUE,
    password_hash text NOT NULL,
    claims jsonb NOT NULL
  );`;

const MODELS = [
  'Session',
  'AccessToken',
  'AuthorizationCode',
  'RefreshToken',
  'DeviceCode',
  'ClientCredentials',
  'Client',
  'InitialAccessToken',
  'RegistrationAccessToken',
  'Interaction',
  'ReplayDetection',
  'PushedAuthorizationRequest',
  'Grant',
  'BackchannelAuthenticationRequest',
  'PreAuthorizedCode',
];

const LIVE = '(expires_at IS NULL OR expires_at > now())';
const FOUND = `SELECT payload, extract(epoch FROM consumed_at)::int AS consumed FROM oidc_payloads`;

/** The adapter's statements, each prepared once per connection. */
const STATEMENTS = {
  find: `${FOUND} WHERE model = $1 AND id = $2 AND ${LIVE}`,
  findByUid: `${FOUND} WHERE model = $1 AND uid = $2 AND ${LIVE}`,
  findByUserCode: `${FOUND} WHERE model = $1 AND user_code = $2 AND ${LIVE}`,
  upsert: `INSERT INTO oidc_payloads (model, id, payload, grant_id, user_code, uid, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
    ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload, grant_id = excluded.grant_id,
      user_code = excluded.user_code, uid = excluded.uid, expires_at = excluded.expires_at`,
  consume: 'UPDATE oidc_payloads SET consumed_at = now() WHERE model = $1 AND id = $2',
  destroy: 'DELETE FROM oidc_payloads WHERE model = $1 AND id = $2',
  revokeByGrantId: 'DELETE FROM oidc_payloads WHERE model = $1 AND grant_id = $2',
  account: 'SELECT id, login, claims FROM accounts WHERE id = $1',
  accountByLogin: 'SELECT id, login, password_hash, claims FROM accounts WHERE login = $1',
};

/** The store of oidc-provider in Postgres: one row per payload, found by the keys that the contract names. */
export class Store {
  constructor(connectionString) {
    this.pool = new pg.Pool({ connectionString, max: 10, idleTimeoutMillis: 0 });
  }

  async prepare() {
    await this.pool.query(SCHEMA);
  }

  async run(name, values) {
    return (await this.pool.query({ name, text: STATEMENTS[name], values })).rows;
  }

  account(id) {
    return this.run('account', [id]).then(([row]) => row);
  }

  accountByLogin(login) {
    return this.run('accountByLogin', [login]).then(([row]) => row);
  }

  /** What oidc-provider calls for each model. */
  adapterFor(model) {
    const number = MODELS.indexOf(model);
    if (number < 0) throw new Error(`unknown model ${model}`);
    return new Adapter(this, number);
  }
}

class Adapter {
  constructor(store, model) {
    this.store = store;
    this.model = model;
  }

  async upsert(id, payload, expiresIn) {
    const { grantId = null, userCode = null, uid = null } = payload;
    // Only sessions are looked up by it; an interaction has one of the same name.
    const found = this.model === 0 ? uid : null;
    await this.store.run('upsert', [this.model, id, JSON.stringify(payload), grantId, userCode, found, expiresIn]);
  }

  find(id) {
    return this.#one('find', id);
  }

  findByUid(uid) {
    return this.#one('findByUid', uid);
  }

  findByUserCode(userCode) {
    return this.#one('findByUserCode', userCode);
  }

  async consume(id) {
    await this.store.run('consume', [this.model, id]);
  }

  async destroy(id) {
    await this.store.run('destroy', [this.model, id]);
  }

  async revokeByGrantId(grantId) {
    await this.store.run('revokeByGrantId', [this.model, grantId]);
  }

  async #one(name, key) {
    const [row] = await this.store.run(name, [this.model, key]);
    if (row === undefined) return undefined;
    return row.consumed === null ? row.payload : { ...row.payload, consumed: row.consumed };
  }
}
