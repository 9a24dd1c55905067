/** Who a person at another provider is here. */
export interface UpstreamIdentity {
  readonly issuer: string;
  readonly sub: string;
  readonly accountId: string;
  readonly linkedAt: Date;
}
