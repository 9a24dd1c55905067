/** The names of the logout dialects, each of which may or may not use an upstream. The application has the list. */
export abstract class LogoutDialects {
  abstract readonly names: readonly string[];
}
