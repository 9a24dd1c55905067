export type Environment = Readonly<Record<string, string | undefined>>;

/** The start was refused because of what the environment says. The message lists each variable and its problem. */
export class SettingsError extends Error {
  constructor(readonly problems: ReadonlyArray<{ readonly name: string; readonly problem: string }>) {
    super(
      ['Exeunt cannot start with these settings:', ...problems.map((p) => `  ${p.name} ${p.problem}`)].join('\n') +
        '\nSee the table of settings in README.md.',
    );
    this.name = 'SettingsError';
  }
}

/** Reads one variable at a time and collects every problem, so that an operator sees all of them at once. */
export class SettingsReader {
  private readonly problems: { name: string; problem: string }[] = [];

  constructor(private readonly env: Environment) {}

  text(name: string, rule: { minLength?: number } = {}): string | undefined {
    const value = this.env[name]?.trim();
    if (value === undefined || value === '') return undefined;
    if (rule.minLength !== undefined && value.length < rule.minLength) {
      this.problem(name, `must have at least ${rule.minLength} characters`);
    }
    return value;
  }

  integer(name: string, fallback: number, range: { min?: number; max?: number } = {}): number {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    const { min = 0, max = Number.MAX_SAFE_INTEGER } = range;
    if (!(value >= min && value <= max)) {
      this.problem(
        name,
        `must be a whole number ${max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`}`,
      );
      return fallback;
    }
    return value;
  }

  flag(name: string, fallback: boolean): boolean {
    const text = this.text(name);
    if (text === undefined) return fallback;
    if (text === 'true' || text === '1') return true;
    if (text === 'false' || text === '0') return false;
    this.problem(name, 'must be true or false');
    return fallback;
  }

  oneOf<T extends string, Unset = T>(name: string, values: readonly T[], fallback: T | Unset): T | Unset {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const found = values.find((value) => value === text);
    if (found === undefined) this.problem(name, `must be one of ${values.join(', ')}`);
    return found ?? fallback;
  }

  parsed<T>(name: string, parse: (text: string) => T, fallback: T): T {
    const text = this.text(name);
    if (text === undefined) return fallback;
    try {
      return parse(text);
    } catch (error) {
      this.problem(name, error instanceof Error ? error.message : 'cannot be read');
      return fallback;
    }
  }

  /** An issuer identifier: http(s), no query, no fragment, no trailing slash (OpenID Connect Discovery 1.0 §3). */
  issuer(name: string, fallback: string): string {
    const text = this.text(name) ?? fallback;
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
      this.problem(name, 'must be an absolute http or https URL');
    } else if (text.includes('?') || text.includes('#')) {
      this.problem(name, 'must have no query and no fragment');
    } else if (url.username !== '' || url.password !== '') {
      this.problem(name, 'must not contain a user name or password');
    } else if (url.pathname !== '/') {
      this.problem(name, 'must have no path: Exeunt is served at the root of its host');
    } else if (text !== url.origin) {
      this.problem(name, `must be spelled ${url.origin}`);
    }
    return text;
  }

  postgresUrl(name: string): string | undefined {
    const text = this.text(name);
    if (text !== undefined && !/^postgres(ql)?:\/\//.test(text)) {
      this.problem(name, 'must be a postgres:// URL');
    }
    return text;
  }

  problem(name: string, problem: string): void {
    this.problems.push({ name, problem });
  }

  throwOnProblems(): void {
    if (this.problems.length > 0) throw new SettingsError(this.problems);
  }
}
