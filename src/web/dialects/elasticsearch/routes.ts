/** Every route of the dialect with its methods: what the router's own answers are made of. */
export const ROUTES = {
  '/_security/oidc/prepare': ['POST'],
  '/_security/oidc/authenticate': ['POST'],
  '/_security/oidc/logout': ['POST'],
  '/_security/oauth2/token': ['POST', 'DELETE'],
  '/_security/_authenticate': ['GET'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** The methods of a path; undefined when it is not one of our paths. */
export function methodsOf(path: string): readonly string[] | undefined {
  return new Map<string, readonly string[]>(Object.entries(ROUTES)).get(path);
}

/** Cluster actions by their names in the original, for its messages. */
export const ACTIONS = {
  prepare: 'cluster:admin/xpack/security/oidc/prepare',
  authenticate: 'cluster:admin/xpack/security/oidc/authenticate',
  logout: 'cluster:admin/xpack/security/oidc/logout',
  createToken: 'cluster:admin/xpack/security/token/create',
  invalidateToken: 'cluster:admin/xpack/security/token/invalidate',
} as const;
export type Action = (typeof ACTIONS)[keyof typeof ACTIONS];
