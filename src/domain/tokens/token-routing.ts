import { Injectable } from '@nestjs/common';
import { AccountRouting, toBytes, toUuid } from '../../platform/keys/account-routing.js';
import { sha256 } from '../../platform/oidc/secret.js';

/** In the place of an account, for what a client has of its own. */
export const NO_ACCOUNT = '00000000-0000-0000-0000-000000000000';

const CODE = { randomBytes: 24, ids: 2 } as const;
const ACCESS_TOKEN = { randomBytes: 24, ids: 1 } as const;
const KID_BYTES = 4;
const UUID_BYTES = 16;

/** A grant by its whole key. */
export interface GrantKey {
  readonly accountId: string;
  readonly grantId: string;
}

/** A code, by what it is looked up. */
export interface PresentedCode extends GrantKey {
  readonly codeHash: Buffer;
}

/** Codes, opaque access tokens and the `grant` claim: each names the account whose rows it is looked up in. Asks nothing. */
@Injectable()
export class TokenRouting {
  constructor(private readonly routing: AccountRouting) {}

  newCode({ accountId, grantId }: GrantKey): string {
    return this.routing.create(CODE, accountId, grantId);
  }

  /** Undefined: it has another form, such as that of before. */
  readCode(code: string): PresentedCode | undefined {
    const [accountId, grantId] = this.routing.read(CODE, code) ?? [];
    return accountId === undefined || grantId === undefined
      ? undefined
      : { accountId, grantId, codeHash: sha256(code) };
  }

  /** @param accountId {@link NO_ACCOUNT} for a client's own */
  newAccessToken(accountId: string): string {
    return this.routing.create(ACCESS_TOKEN, accountId);
  }

  /** The account in an opaque access token; undefined: it has another form. */
  accountOfAccessToken(token: string): string | undefined {
    return this.routing.read(ACCESS_TOKEN, token)?.[0];
  }

  /** What a JWT says of its grant: `<grant>.<account>`, the account masked. */
  grantClaim({ accountId, grantId }: GrantKey): string {
    const { kid } = this.routing;
    const account = this.routing.mask(kid, toBytes(grantId), toBytes(accountId));
    if (account === undefined) throw new Error('the current routing key is not there');
    return `${grantId}.${Buffer.concat([kid, account]).toString('base64url')}`;
  }

  /** Undefined: it is one of before, which is the grant's id alone, or its key is unknown. */
  readGrantClaim(claim: string): GrantKey | undefined {
    const [grantId, text, ...more] = claim.split('.');
    if (grantId === undefined || text === undefined || more.length > 0) return undefined;
    const bytes = Buffer.from(text, 'base64url');
    if (bytes.length !== KID_BYTES + UUID_BYTES) return undefined;
    const account = this.routing.unmask(bytes.subarray(0, KID_BYTES), toBytes(grantId), bytes.subarray(KID_BYTES));
    return account === undefined ? undefined : { accountId: toUuid(account), grantId };
  }
}
