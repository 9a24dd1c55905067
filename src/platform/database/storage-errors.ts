/** The SQLSTATE of a database error, whether it came through TypeORM or from `pg` itself. */
export function sqlState(error: unknown): string | undefined {
  const source = error as { code?: unknown; driverError?: { code?: unknown } } | null;
  const code = source?.driverError?.code ?? source?.code;
  return typeof code === 'string' ? code : undefined;
}

/** Whether this is a unique violation (23505): someone was first. With `constraint`, of that one only. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (sqlState(error) !== '23505') return false;
  const source = error as { constraint?: string; driverError?: { constraint?: string } };
  return constraint === undefined || (source.driverError?.constraint ?? source.constraint) === constraint;
}

/**
 * Whether Postgres was reached and could not take a value: SQLSTATE class 22 (data exception: NUL, half a character, a
 * number out of range) and class 54 (program limit: too deep, too long for an index). Nothing was written, and sending
 * the same again does not help, so this is the request's mistake and no failure of storage.
 */
export function isRefusedValue(error: unknown): boolean {
  return error instanceof Error && /^(22|54)[0-9A-Z]{3}$/.test(sqlState(error) ?? '');
}

/**
 * Whether the database failed us, as against a mistake in the request. Edges answer 503 to these, never success
 * (docs/threat-model.md#success-without-storage).
 */
export function isStorageFailure(error: unknown): boolean {
  if (!(error instanceof Error) || isRefusedValue(error)) return false;
  if (error.name === 'QueryFailedError' || error.name === 'TransactionNotStartedError') return true;
  const state = sqlState(error);
  if (state === undefined)
    return /connection terminated|connection timeout|timeout exceeded when trying to connect|query read timeout|not queryable|Cannot use a pool/i.test(
      error.message,
    );
  return /^[0-9A-Z]{5}$/.test(state) || isNetworkCode(state);
}

/** Whether nothing came back for as long as we wait (`query_timeout` of `pg`). */
export function isSilence(error: unknown): boolean {
  return error instanceof Error && /query read timeout/i.test(error.message);
}

/** Whether the database cannot be reached or cannot work at all, as against a statement that it did not carry out. */
export function isStorageAway(error: unknown): boolean {
  if (!isStorageFailure(error)) return false;
  const state = sqlState(error);
  return state === undefined || isNetworkCode(state) || /^(08|25006|53|57|58)/.test(state);
}

/**
 * Why a host, a name or a socket cannot be reached: a machine that is gone, a network that is down, a name that moves.
 */
const NETWORK_CODES = new Set(
  `EACCES EADDRINUSE EADDRNOTAVAIL EAGAIN EALREADY ECANCELED ECONNABORTED ECONNREFUSED ECONNRESET EHOSTDOWN EHOSTUNREACH EINTR
   EIO EISCONN EMFILE ENETDOWN ENETRESET ENETUNREACH ENFILE ENOBUFS ENOENT ENOMEM ENONET ENOTCONN ENOTSOCK EPERM EPIPE EPROTO
   ESHUTDOWN ETIMEDOUT ENOTFOUND ENODATA ESERVFAIL EREFUSED ETIMEOUT EBADRESP ECONNECTING`.split(/\s+/),
);

/** Whether the system's code says that the other end was not reached, the name's look-up and TLS included. */
export function isNetworkCode(code: string): boolean {
  return NETWORK_CODES.has(code) || /^(EAI_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|CERT_|DEPTH_ZERO_|SELF_SIGNED_)/.test(code);
}

/** What a log may say about an error: its code, such as a SQLSTATE. Never its message, which may quote values. */
export function codeOf(error: unknown): string {
  const code = sqlState(error);
  if (code !== undefined) return code;
  if (isStorageFailure(error)) return 'no connection';
  return error instanceof Error ? error.name : typeof error;
}
