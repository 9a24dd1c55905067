import { AccountsService } from '../../src/domain/accounts/accounts.service.js';
import { ADMIN, PASSWORD, type TestAccount, type TestApp } from '../support/app.js';
import type { Browser, Page } from '../support/http.js';

/** An account that may look at the console. */
export async function anOperator(app: TestApp): Promise<TestAccount> {
  const account = await app.createAccount();
  await app.app.get(AccountsService).setRoles(account.id, ['operator']);
  return account;
}

export async function enterAs(browser: Browser, login: string, password = PASSWORD): Promise<Page> {
  return browser.submit(await browser.get('/console/sign-in'), 'login-submit', { login, password });
}

export async function enterAsClient(browser: Browser, id = ADMIN.clientId, secret = ADMIN.clientSecret): Promise<Page> {
  return browser.submit(await browser.get('/console/sign-in'), 'client-submit', {
    client_id: id,
    client_secret: secret,
  });
}
