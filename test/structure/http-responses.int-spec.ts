import { sources } from './sources.js';

/** What a rule forbids, where it does not hold, and why it is there. */
const RULES: ReadonlyArray<{ readonly what: string; readonly pattern: RegExp; readonly except?: RegExp }> = [
  { what: 'no handler takes the response object: it returns an HttpResponse', pattern: /@(Res|Response|Next)\(/ },
  { what: 'only the kit writes to a response object', pattern: /\bgetResponse\b/, except: /^src\/web\/kit\// },
  {
    what: 'only the kit calls the HTTP adapter',
    pattern: /\bhttpAdapter\b|\bHttpAdapterHost\b/,
    except: /^src\/web\/kit\/response-writer\.ts$/,
  },
  {
    what: 'no type has the name of one of the platform',
    pattern: /\b(type|interface|class) (Response|Request|Headers|Cookies)\b/,
  },
  { what: 'cookies of a request are read by @CurrentBrowser()', pattern: /\bCookies as\b|@Cookies\(/ },
  {
    what: 'the session of a browser is found in one way',
    pattern: /\bfindByCookie(WithApplications)?\(/,
    // The CSP dialect believes the cookie only of a request of the same site, so it is given its value.
    except: /^src\/(web\/kit\/browser\.ts$|web\/dialects\/vmware-csp\/|domain\/)/,
  },
];

describe('responses are values of the kit (src/web/kit/README.md)', () => {
  it.each(RULES)('$what', ({ pattern, except }) => {
    const found = sources()
      .filter(({ path }) => except?.test(path) !== true)
      .flatMap(({ path, lines }) => lines.flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}`] : [])));
    expect(found).toEqual([]);
  });
});
