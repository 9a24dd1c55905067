/**
 * CloudNativePG's `Pooler`, as far as the chart uses it, as its documents on connection pooling have it: no package has the types of its CRD.
 */
export interface Pooler {
  readonly apiVersion: 'postgresql.cnpg.io/v1';
  readonly kind: 'Pooler';
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly cluster: { readonly name: string };
    readonly type?: 'rw' | 'ro' | 'r';
    readonly instances?: number;
    readonly pgbouncer: {
      readonly poolMode?: 'session' | 'transaction';
      /** PgBouncer's own settings: the operator takes a list of them, as text. */
      readonly parameters?: {
        readonly [
          Name in
            | 'max_client_conn'
            | 'default_pool_size'
            | 'max_prepared_statements'
            | 'query_wait_timeout'
            | 'server_idle_timeout'
            | 'server_lifetime'
        ]?: string;
      };
      readonly paused?: boolean;
    };
  };
}
