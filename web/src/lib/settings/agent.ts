/** A browser's long name for itself, as a person would say it: "Safari · iPhone". Pure. */
const BROWSERS: [RegExp, string][] = [
  [/Edg(e|A|iOS)?\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/MicroMessenger\//, '微信'],
  [/Firefox\/|FxiOS\//, 'Firefox'],
  [/HeadlessChrome\/|Chrome\/|CriOS\//, 'Chrome'],
  [/Safari\//, 'Safari'],
  [/^(curl|python-httpx|vermilion)\b/i, '$1']
];
const SYSTEMS: [RegExp, string][] = [
  [/iPhone/, 'iPhone'],
  [/iPad/, 'iPad'],
  [/Android/, 'Android'],
  [/Mac OS X|Macintosh/, 'macOS'],
  [/Windows/, 'Windows'],
  [/CrOS/, 'ChromeOS'],
  [/Linux|X11/, 'Linux']
];

function first(agent: string, table: [RegExp, string][]): string | null {
  for (const [pattern, name] of table) {
    const match = pattern.exec(agent);
    if (match) return name.replace('$1', match[1] ?? '');
  }
  return null;
}

export function sayAgent(agent: string | null): string | null {
  if (!agent) return null;
  const parts = [first(agent, BROWSERS), first(agent, SYSTEMS)].filter(Boolean);
  return parts.length ? parts.join(' · ') : agent.slice(0, 60);
}
