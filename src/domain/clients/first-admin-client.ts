import { Inject, Injectable, Logger } from '@nestjs/common';
import { AuditLog } from '../../platform/audit/audit-log.js';
import { AdministratorsService, type AdministratorAtStart } from './administrators.service.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';

const DEFAULT_ID = 'exeunt-admin';

export interface AdminClientCredentials {
  readonly clientId: string;
  /** Only where it was generated just now: it cannot be shown again. */
  readonly generatedSecret: string | undefined;
  /** What an operator must know, where the client is not there to be used. */
  readonly problem?: string;
}

/** The client that operators sign in as, made at the first start. */
@Injectable()
export class FirstAdminClient {
  private readonly logger = new Logger(FirstAdminClient.name);

  constructor(
    private readonly administrators: AdministratorsService,
    private readonly audit: AuditLog,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** Creates it when it is missing; sets the secret that the environment gives, once. Safe on several nodes at once. */
  async ensure(): Promise<AdminClientCredentials> {
    const clientId = this.clientId;
    const { adminClientId, adminClientSecret } = this.settings;
    const found = await this.administrators.ensure(clientId, adminClientSecret, adminClientId !== undefined);
    const problem = PROBLEMS[found.kind]?.(clientId);
    if (problem !== undefined) this.logger.warn(problem);
    return {
      clientId,
      generatedSecret: found.kind === 'made' ? found.generatedSecret : undefined,
      ...(problem === undefined ? {} : { problem }),
    };
  }

  /** For who is locked out and has the database: the client works again, with the secret that is returned, and it is on record. */
  async recover(clientId = this.clientId): Promise<AdminClientCredentials> {
    const generatedSecret = await this.administrators.recover(clientId, (tx) =>
      this.audit.record({ event: 'admin_recovered', outcome: 'done', details: { client_id: clientId } }, tx),
    );
    return { clientId, generatedSecret };
  }

  private get clientId(): string {
    return this.settings.adminClientId ?? DEFAULT_ID;
  }
}

const PROBLEMS: Partial<Record<AdministratorAtStart['kind'], (clientId: string) => string>> = {
  deleted: (clientId) =>
    `The admin client ${clientId} was deleted and stays so, since another client administers the service. To have it back give it a new EXEUNT_ADMIN_CLIENT_SECRET, or run: npm run admin:recover`,
  locked_out: () => 'No client can administer the service. To get one back run: npm run admin:recover',
};
