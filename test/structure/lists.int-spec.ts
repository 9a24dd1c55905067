import { sources } from './sources.js';

/** What may be read from a replica. Each is a list that an operator looks at; a page of it decides nothing. */
const LISTS = [
  'src/domain/accounts/account.repository.ts LIST',
  'src/domain/clients/client.repository.ts LIST',
  'src/domain/logout/notices/delivery-ledger.repository.ts LIST',
  'src/domain/logout/orders/logout-order.repository.ts LIST',
  'src/domain/logout/termination/termination-record.repository.ts LIST',
  'src/domain/sessions/session-list.ts LIST',
  'src/domain/sessions/session-list.ts LIST_OF_ACCOUNT',
  'src/domain/sessions/session-list.ts LIST_OF_CLIENT',
  'src/domain/sessions/session-list.ts LOOKED_TO',
  'src/domain/sessions/session-list.ts LOOKED_TO_OF_CLIENT',
  'src/platform/audit/audit-log.ts LIST',
];

describe('what may be read from a replica', () => {
  it('are these lists, and nothing that decides', () => {
    const found = sources().flatMap(({ path, lines }) =>
      [...lines.join('\n').matchAll(/\b(?:transactions|db)\s*\.list\(\s*(\w+)/g)].map(([, name]) => `${path} ${name}`),
    );
    expect(found.toSorted()).toEqual(LISTS);
  });
});
