/**
 * A small honest label for the list of sessions: "Firefox on Linux". People only need to tell their own browsers apart.
 *
 * Not a library: ua-parser-js is AGPL (or paid) since version 2, and knows thousands of devices that this list has no
 * use for; browsers have frozen most of what it reads. The order matters, since every browser also claims older names.
 *
 * Nothing is claimed that the header does not say. Safari on an iPad sends the header of a Mac, so both are named.
 */
export function deviceName(userAgent: string | undefined): string {
  const agent = (userAgent ?? '').slice(0, LONGEST_READ);
  const browser = firstMatch(BROWSERS, agent);
  const system = systemOf(agent, browser);
  if (browser === undefined) {
    return system === undefined ? 'Unknown device' : `Unknown browser on ${system}`;
  }
  return system === undefined ? browser : `${browser} on ${system}`;
}

type Table = ReadonlyArray<readonly [RegExp, string]>;

const BROWSERS: Table = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\b(?:OPR|OPT|Opera)\//, 'Opera'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bDuckDuckGo\//, 'DuckDuckGo'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:HeadlessChrome|Chrome|CriOS)\//, 'Chrome'],
  [/\bChromium\//, 'Chromium'],
  [/\bVersion\/\S+.* Safari\//, 'Safari'],
  [/^curl\//, 'curl'],
];

const SYSTEMS: Table = [
  [/\biPhone\b|\biPod\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMacintosh\b|\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];

/** Other browsers on iPads also send the header of a Mac, but give themselves away by the name they use on iOS. */
const ONLY_ON_IOS = /\b(?:CriOS|FxiOS|EdgiOS|OPT)\//;

/** The sender chooses the header; no real one is near this long. */
const LONGEST_READ = 512;

function systemOf(agent: string, browser: string | undefined): string | undefined {
  const system = firstMatch(SYSTEMS, agent);
  if (system !== 'macOS') {
    return system;
  }
  if (ONLY_ON_IOS.test(agent)) {
    return 'iPad';
  }
  return browser === 'Safari' ? 'Mac or iPad' : system;
}

function firstMatch(table: Table, agent: string): string | undefined {
  return table.find(([pattern]) => pattern.test(agent))?.[1];
}
