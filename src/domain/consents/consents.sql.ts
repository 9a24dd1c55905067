/** A person has allowed the client `clientId` something. */
export function clientHasConsents(clientId: string): string {
  return `EXISTS (SELECT 1 FROM consents k WHERE k.client_id = ${clientId})`;
}
