import pg from 'pg';
import { DataSource } from 'typeorm';
import { ENTITIES } from '../../../src/entities.js';
import { SettingsError } from '../../../src/platform/config/settings-reader.js';
import { dataSourceOptions } from '../../../src/platform/database/data-source-options.js';
import { StatementCheck } from '../../../src/platform/database/statement-check.js';
import { TestApp } from '../../support/app.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import type { Browser } from '../../support/http.js';
import { AddNotes1900000000000 } from './1900000000000-add-notes.js';
import { loadNoteSettings } from './note-settings.js';
import { NoteEntity } from './note.entity.js';
import { NOTE_STATEMENTS } from './note.repository.js';
import { NotesModule } from './notes.module.js';

/** With the one line more that `entities.ts` and `migrations/index.ts` would have. */
async function dataSourceOf(db: TestDatabase): Promise<DataSource> {
  const options = dataSourceOptions(db.url, 2, [...ENTITIES, NoteEntity]);
  return new DataSource({ ...options, migrations: [AddNotes1900000000000] }).initialize();
}

async function migrated(): Promise<TestDatabase> {
  const db = await createTestDatabase();
  const dataSource = await dataSourceOf(db);
  await dataSource.runMigrations();
  await dataSource.destroy();
  return db;
}

describe('a capability that follows the recipes', () => {
  describe('its setting', () => {
    it('has a default, and stops the start by its name when it cannot be used', () => {
      expect(loadNoteSettings({})).toEqual({ maxNoteLength: 40 });
      expect(loadNoteSettings({ MAX_NOTE_LENGTH: '7' })).toEqual({ maxNoteLength: 7 });
      for (const value of ['0', '1001', 'many'])
        expect(() => loadNoteSettings({ MAX_NOTE_LENGTH: value })).toThrow(SettingsError);
      expect(() => loadNoteSettings({ MAX_NOTE_LENGTH: '0' })).toThrow(/MAX_NOTE_LENGTH must be a whole number from 1/);
    });
  });

  describe('its table', () => {
    let db: TestDatabase;
    let dataSource: DataSource;
    beforeAll(async () => {
      db = await createTestDatabase();
      dataSource = await dataSourceOf(db);
    });
    afterAll(async () => {
      await dataSource.destroy();
      await db.drop();
    });
    const drift = async (): Promise<string[]> =>
      (await dataSource.driver.createSchemaBuilder().log()).upQueries.map(({ query }) => query);

    it('is what its entity describes once its migration has run, and gone when that is taken back', async () => {
      expect((await drift()).join()).toContain('CREATE TABLE "notes"');
      await dataSource.runMigrations();
      expect(await drift()).toEqual([]);
      await dataSource.undoLastMigration();
      expect((await drift()).join()).toContain('CREATE TABLE "notes"');
    });
  });

  describe('its SQL', () => {
    it('is what Postgres says of it', async () => {
      const db = await migrated();
      const client = new pg.Client({ connectionString: db.url });
      await client.connect();
      const check = await StatementCheck.against(client);
      for (const statement of NOTE_STATEMENTS) expect(await check.faultsOf(statement)).toEqual([]);
      await client.end();
      await db.drop();
    });
  });

  describe('its page', () => {
    let db: TestDatabase;
    let app: TestApp;
    let browser: Browser;
    beforeAll(async () => {
      db = await migrated();
      app = await TestApp.start({}, { db, modules: [NotesModule] });
      browser = app.browser();
      await app.signInTo(browser, await app.createClient(), (await app.createAccount()).login);
    });
    afterAll(async () => {
      await app.stop();
      await db.drop();
    });

    it('shows what was left by its form, as text, under the policy of every page', async () => {
      const left = await browser.submit(await browser.get('/toy/notes'), 'leave', { text: '<b>bread</b>' });
      expect([left.status, left.location]).toEqual([303, `${app.issuer}/toy/notes`]);
      const page = await browser.get('/toy/notes');
      expect(page.body).toContain('<li>&lt;b&gt;bread&lt;/b&gt;</li>');
      expect(page.body).toContain('has left 1 note here');
      expect(page.headers.get('content-security-policy')).toContain("form-action 'self'");
      expect(page.headers.get('cache-control')).toBe('no-store');
    });

    it('says in words what is wrong, and keeps nothing then', async () => {
      const page = await browser.submit(await browser.get('/toy/notes'), 'leave', { text: 'x'.repeat(21) });
      expect(page.status).toBe(400);
      expect(page.body).toContain('This note is too long: 20 characters at most.');
      expect(await db.query('SELECT 1 FROM notes WHERE length(text) > 20')).toEqual([]);
    });

    it('takes no form that was not opened in this browser', async () => {
      expect((await browser.post('/toy/notes', { text: 'from elsewhere' })).status).toBe(403);
      expect(await db.query(`SELECT 1 FROM notes WHERE text = 'from elsewhere'`)).toEqual([]);
    });

    it('is for people who are signed in', async () => {
      expect((await app.browser().get('/toy/notes')).location).toBe(`${app.issuer}/`);
    });
  });
});
