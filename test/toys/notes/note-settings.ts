import type { Environment } from '../../../src/platform/config/settings-reader.js';
import { SettingsReader } from '../../../src/platform/config/settings-reader.js';

export interface NoteSettings {
  /** Characters of a note at most. */
  readonly maxNoteLength: number;
}

/** Nest's injection token for {@link NoteSettings}. */
export const NOTE_SETTINGS = Symbol('NoteSettings');

/** @throws SettingsError that names each variable whose value cannot be used */
export function loadNoteSettings(env: Environment): NoteSettings {
  const read = new SettingsReader(env);
  const settings = { maxNoteLength: read.integer('MAX_NOTE_LENGTH', 40, { min: 1, max: 1000 }) };
  read.throwOnProblems();
  return settings;
}
