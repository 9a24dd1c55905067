import type { QueryConfig } from 'pg';
import type { LogoutDurability, Settings } from '../config/settings.js';
import { atPrimary, durably } from './durability.js';
import type { Statement } from './statement.js';

/** The settings that change what a statement asks of Postgres besides. */
export type FormSettings = Pick<Settings, 'logoutDurability' | 'databaseDirectUrl'>;

interface Form {
  readonly name: string;
  readonly text: string;
}

/**
 * The form in which each statement goes to Postgres: as it is declared, with the wait for a standby where it ends something
 * (`LOGOUT_DURABILITY`), or so that a standby refuses it (behind a pooler). Made once for each.
 */
export class StatementForms {
  /** What an ending waits for; undefined: what the cluster's own settings say. */
  readonly durability: LogoutDurability | undefined;
  private readonly pooled: boolean;
  private readonly changed = new Map<Statement<never, unknown>, Form>();

  constructor(settings?: FormSettings) {
    this.durability = settings?.logoutDurability;
    this.pooled = settings?.databaseDirectUrl !== undefined;
  }

  /** Whether its commit waits for what `LOGOUT_DURABILITY` says. */
  waits({ ends }: Pick<Statement<never, unknown>, 'ends'>): boolean {
    return ends && this.durability !== undefined;
  }

  /** What `pg` takes. It prepares the text under the name once per connection. */
  queryOf<Values>(statement: Statement<Values, unknown>, values: Values): QueryConfig {
    const { bind, plannedAnew } = statement;
    const { name, text } = this.formOf(statement);
    return plannedAnew ? { text, values: bind(values) } : { name, text, values: bind(values) };
  }

  private formOf(statement: Statement<never, unknown>): Form {
    const waits = this.waits(statement);
    if (!waits && (!this.pooled || statement.writes)) return statement;
    let form = this.changed.get(statement);
    if (form === undefined) this.changed.set(statement, (form = this.madeFrom(statement)));
    return form;
  }

  private madeFrom({ name, text, ends }: Statement<never, unknown>): Form {
    const { durability } = this;
    return ends && durability !== undefined
      ? { name: `${name}_${durability}`, text: durably(text, durability) }
      : { name: `${name}_at_primary`, text: atPrimary(text) };
  }
}
