import { SettingsError } from '../platform/config/settings-reader.js';
import { DatabaseUnusableError } from '../platform/database/await-database.js';
import { WrongSecretError } from '../platform/keys/key-encryption.js';

/** What a command or a start that fails prints: a sentence where an operator can do something, else where it happened. */
export function wordsOf(error: unknown): string {
  const forPeople = [SettingsError, DatabaseUnusableError, WrongSecretError].some((kind) => error instanceof kind);
  return forPeople ? (error as Error).message : ((error as Error).stack ?? String(error));
}
