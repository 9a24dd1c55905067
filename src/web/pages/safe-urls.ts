/**
 * A client's own addresses come from its registration, in open registration from anybody at all. They become links and
 * images here, so only web addresses pass: `javascript:`, `data:` and friends are dropped, not repaired. Parsing
 * decides, not a prefix test, because browsers also read ` java\nscript:` as a scheme.
 */
export function webUrl(candidate: string | undefined): string | undefined {
  const scheme = schemeOf(candidate);
  return scheme === 'https:' || scheme === 'http:' ? candidate : undefined;
}

/**
 * Where the person continues after signing out. RP-Initiated Logout 1.0 §2 lets a native application register a scheme
 * of its own as `post_logout_redirect_uri`, so this is a list of what a browser would run or read locally.
 */
export function followableUrl(candidate: string | undefined): string | undefined {
  const scheme = schemeOf(candidate);
  return scheme === undefined || RUN_OR_READ_LOCALLY.has(scheme) ? undefined : candidate;
}

/** The host of a web address, for "this application lives at …". */
export function hostOf(url: string): string {
  return new URL(url).host;
}

const RUN_OR_READ_LOCALLY = new Set([
  'javascript:',
  'data:',
  'vbscript:',
  'blob:',
  'file:',
  'filesystem:',
  'about:',
  'view-source:',
]);

function schemeOf(candidate: string | undefined): string | undefined {
  return candidate !== undefined && URL.canParse(candidate) ? new URL(candidate).protocol : undefined;
}
