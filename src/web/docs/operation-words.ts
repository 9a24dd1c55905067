import type { DocumentBuilder } from '@nestjs/swagger';

/** What an operation says of itself in the API document beside its decorators. */
export interface OperationWords {
  /** What comes when it succeeds. */
  readonly success?: string;
  /** The one example of its body. It works as it stands, once its ids are the reader's. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** Why it may be refused, in the words of the answer; with another `error` than the status's own before them. */
  readonly errors?: Readonly<Partial<Record<400 | 404 | 409, string | readonly [error: string, words: string]>>>;
}

/** What a logout dialect brings to the API document. */
export interface DialectWords {
  /** Of its controllers (`@ApiTags`). */
  readonly tag: { readonly name: string; readonly description: string };
  /** Schemes of its own, by the names that its operations use. */
  readonly security?: Readonly<Record<string, SecurityScheme>>;
  /** By `operationId`. */
  readonly operations: Readonly<Record<string, OperationWords>>;
}
type SecurityScheme = Parameters<DocumentBuilder['addSecurity']>[1];
