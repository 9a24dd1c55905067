import { currentScope } from '../requests/request-scope.js';

/** Members of a line of the log beside its text, by the names that collectors know. */
export type LogFields = Readonly<Record<string, string | number>>;

let own: LogFields = {};

/** Every line that `write` writes before it returns has these fields, too. */
export function withLogFields(fields: LogFields, write: () => void): void {
  const before = own;
  own = { ...own, ...fields };
  try {
    write();
  } finally {
    own = before;
  }
}

/** The fields of a line that is written now: those of {@link withLogFields} go before those of the request's scope. */
export function fieldsNow(): LogFields {
  const scope = currentScope();
  if (scope === undefined) return own;
  const { id, trace } = scope;
  return {
    ...(id === undefined ? {} : { request_id: id }),
    ...(trace === undefined ? {} : { trace_id: trace.traceId, span_id: trace.spanId }),
    ...own,
  };
}
