/** Tokens for examples in the API document: of the right form, and of no person. */
export const EXAMPLE = {
  accessToken: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.e30.c2ln',
  refreshToken: 'vLBPvmAB6KvwvJZr27cSvLBPvmAB6KvwvJZr27cS-_0',
  idToken: 'eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IjIifQ.e30.c2ln',
  logoutToken: 'eyJhbGciOiJSUzI1NiIsInR5cCI6ImxvZ291dCtqd3QiLCJraWQiOiIyIn0.e30.c2ln',
} as const;
