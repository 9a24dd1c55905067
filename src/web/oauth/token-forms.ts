import { Injectable, type ArgumentMetadata } from '@nestjs/common';
import { OfferedProofs } from '../../domain/clients/proofs/offered-proofs.js';
import type { GrantType } from '../../domain/tokens/grants/grant-handler.js';
import { OfferedGrantTypes } from '../../domain/tokens/grants/offered-grant-types.js';
import { OAuthParametersPipe } from '../kit/parameters.pipe.js';
import { memberNames } from '../../domain/clients/client-members.js';
import {
  offeredCredentials,
  offeredTokenParameter,
  offeredTokenRequest,
  type OAuthForm,
  type TokenRequestForm,
} from './dto/token-request.dto.js';

/** Reads the body of `/token` by what the offered grant types and kinds of client authentication declare. */
@Injectable()
export class TokenRequestPipe extends OAuthParametersPipe {
  private readonly dto;

  constructor(grants: OfferedGrantTypes, proofs: OfferedProofs) {
    super();
    this.dto = offeredTokenRequest(grants, proofs);
  }

  override transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    return super.transform(value, { ...metadata, metatype: this.dto });
  }

  /**
   * The parameters of the grant type that was chosen, with all that it requires.
   * @throws InvalidRequestError
   */
  async parametersOf(grant: GrantType, form: TokenRequestForm): Promise<object> {
    return (await super.transform(form, { type: 'body', metatype: grant.parameters })) as object;
  }
}

/** Reads the body of `/revoke` and `/introspect`. */
@Injectable()
export class TokenParameterPipe extends OAuthParametersPipe {
  private readonly dto;

  constructor(proofs: OfferedProofs) {
    super();
    this.dto = offeredTokenParameter(proofs);
  }

  override transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    return super.transform(value, { ...metadata, metatype: this.dto });
  }
}

type Raw = Readonly<Record<string, unknown>>;

/** Reads the body of `/par`: what the client proves itself by, and the request without that. */
@Injectable()
export class PushedRequestForms extends OAuthParametersPipe {
  private readonly dto;
  private readonly names: ReadonlySet<string>;

  constructor(proofs: OfferedProofs) {
    super();
    this.dto = offeredCredentials(proofs);
    this.names = new Set(memberNames(this.dto));
  }

  /** @throws InvalidRequestError when a credential was sent twice, or is too long */
  async read(body: Raw): Promise<{ readonly credentials: OAuthForm; readonly request: Raw }> {
    const credentials = (await this.transform(body, { type: 'body', metatype: this.dto })) as OAuthForm;
    const request = Object.fromEntries(Object.entries(body).filter(([name]) => !this.names.has(name)));
    return { credentials, request };
  }
}
