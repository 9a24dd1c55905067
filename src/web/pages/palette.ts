/**
 * The colours, in both schemes. They are values and not only CSS so that `palette.spec.ts` can hold every pair of text
 * and ground to WCAG 2.2 AA. The accent is the green of exit signs.
 */
export interface Palette {
  readonly paper: string;
  readonly sheet: string;
  /** Ground of notes, badges and tiles. */
  readonly wash: string;
  readonly ink: string;
  readonly quiet: string;
  readonly line: string;
  /** Outline of things to fill in or press: 3:1 against the sheet (WCAG 1.4.11). */
  readonly edge: string;
  readonly accent: string;
  readonly accentStrong: string;
  readonly onAccent: string;
  readonly alarm: string;
  readonly alarmWash: string;
  readonly wait: string;
}

export const LIGHT: Palette = {
  paper: '#f2f5f2',
  sheet: '#ffffff',
  wash: '#edf3ee',
  ink: '#16201b',
  quiet: '#525f58',
  line: '#dde4df',
  edge: '#7f8c85',
  accent: '#0d6246',
  accentStrong: '#094c36',
  onAccent: '#ffffff',
  alarm: '#9a1c1f',
  alarmWash: '#fcf0ee',
  wait: '#7a4a00',
};

export const DARK: Palette = {
  paper: '#0e1311',
  sheet: '#161c19',
  wash: '#1f2824',
  ink: '#e8eeea',
  quiet: '#a2afa8',
  line: '#2a342f',
  edge: '#75837b',
  accent: '#7dd3aa',
  accentStrong: '#9be3c1',
  onAccent: '#08221a',
  alarm: '#ffb3a9',
  alarmWash: '#33201f',
  wait: '#f0c27a',
};

export function cssVariables(palette: Palette): string {
  return Object.entries(palette)
    .map(([name, value]) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}:${value}`)
    .join(';');
}
