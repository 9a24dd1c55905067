import { DARK, LIGHT, type Palette } from './palette.js';

type Colour = keyof Palette;

/** WCAG 2.2: 1.4.3 asks 4.5:1 for text, 1.4.11 asks 3:1 for the outlines of controls and of focus. */
const TEXT: ReadonlyArray<readonly [Colour, Colour]> = [
  ['ink', 'sheet'],
  ['ink', 'paper'],
  ['ink', 'wash'],
  ['quiet', 'sheet'],
  ['quiet', 'paper'],
  ['quiet', 'wash'],
  ['accent', 'sheet'],
  ['accent', 'wash'],
  ['accentStrong', 'sheet'],
  ['onAccent', 'accent'],
  ['onAccent', 'accentStrong'],
  ['alarm', 'alarmWash'],
];

const SHAPES: ReadonlyArray<readonly [Colour, Colour]> = [
  ['edge', 'sheet'],
  ['accent', 'paper'],
  ['alarm', 'sheet'],
  ['wait', 'sheet'],
];

describe.each([
  ['light', LIGHT],
  ['dark', DARK],
])('%s scheme', (_name, palette) => {
  it.each(TEXT)('%s on %s is readable (4.5:1)', (text, ground) => {
    expect(contrast(palette[text], palette[ground])).toBeGreaterThanOrEqual(4.5);
  });

  it.each(SHAPES)('%s on %s is visible (3:1)', (shape, ground) => {
    expect(contrast(palette[shape], palette[ground])).toBeGreaterThanOrEqual(3);
  });
});

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((channel) => (channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
