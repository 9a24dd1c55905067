import { Global, Module, type Provider, type Type } from '@nestjs/common';
import { MODULE_METADATA } from '@nestjs/common/constants.js';
import { Test } from '@nestjs/testing';
import { AppModule } from '../../src/app.module.js';
import { ClientObserver } from '../../src/domain/clients/ports/client-observer.js';
import { LogoutModule } from '../../src/domain/logout/logout.module.js';
import { SessionLimit } from '../../src/domain/sessions/ports/session-limit.js';
import { GrantReuse } from '../../src/domain/tokens/ports/grant-reuse.js';
import { loadSettings } from '../../src/platform/config/settings.js';
import { DeliveryLedger } from '../../src/platform/metrics/ports/delivery-ledger.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

type Port = typeof SessionLimit | typeof GrantReuse | typeof ClientObserver | typeof DeliveryLedger;

/** `LogoutModule`, which binds one port less. */
function withoutBinding(port: Port): Type {
  const listed = (key: string): Provider[] => Reflect.getMetadata(key, LogoutModule) as Provider[];
  const others = (key: string): Provider[] =>
    listed(key).filter((provider) => provider !== port && (provider as { provide?: unknown }).provide !== port);
  const module = class LogoutModuleWithoutOne {};
  Module({
    imports: Reflect.getMetadata(MODULE_METADATA.IMPORTS, LogoutModule) as Type[],
    providers: others(MODULE_METADATA.PROVIDERS),
    exports: others(MODULE_METADATA.EXPORTS) as Type[],
  })(module);
  Global()(module);
  return module;
}

describe('ports of the domain and the platform', () => {
  let db: TestDatabase;

  beforeAll(async () => {
    db = await createTestDatabase();
  });
  afterAll(() => db.drop());

  it.each<[string, Port, string]>([
    ['SessionLimit', SessionLimit, 'SessionSignIns'],
    ['GrantReuse', GrantReuse, '(CodeRedemption|RefreshRotation)'],
    ['ClientObserver', ClientObserver, 'ClientRegistrationService'],
    ['DeliveryLedger', DeliveryLedger, 'Metrics'],
  ])('%s: without what is bound to it the application does not start', async (name, port, user) => {
    const settings = { ...loadSettings({}), databaseUrl: db.url };
    const starting = Test.createTestingModule({ imports: [AppModule.with(settings)] })
      .overrideModule(LogoutModule)
      .useModule(withoutBinding(port))
      .compile();
    await expect(starting).rejects.toThrow(
      new RegExp(`can't resolve dependencies of the ${user} .*argument ${name} `, 's'),
    );
  });
});
