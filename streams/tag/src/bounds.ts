/** How much of a thing may be sent: the collector's bounds, kept on this side. */

const KEY_UNITS = 40;
const ENTRIES = 20;

/** `value` within 0 to `most`. */
export function clamp(value: number, most: number): number {
  return Math.max(0, Math.min(most, value));
}

/** `part` of `whole` in thousandths, within 0 to 1000. */
export function toPermille(part: number, whole: number): number {
  return Math.round(1000 * clamp(part / whole, 1)) || 0;
}

/** Cuts `text` to what the collector takes; half a surrogate pair is no valid Unicode there. */
export function bound(text: string, units: number): string {
  return text.slice(0, units).replace(/[\ud800-\udfff]/gu, "");
}

/** Makes one line of a name that the page gives to a thing; of an e-mail address it makes none. */
export function toName(text: string | false | null | undefined, units: number): string | undefined {
  const line = (text || "").replace(/\s+/g, " ").trim();
  // Looked for before the cut, which could take the dot away and leave the person.
  return (!/@.*\./.test(line) && bound(line, units)) || undefined;
}

/**
 * Picks entries of what the page passed: at most 20, and of values what `toValue` makes of them,
 * if anything. Nothing rather than an empty record.
 */
export function pick<Value>(
  record: Record<string, unknown> | undefined,
  toValue: (value: unknown, key: string) => Value | undefined,
): Record<string, Value> | undefined {
  let picked: Record<string, Value> | undefined;
  let left = ENTRIES;
  const entries = { ...record };
  for (const key in entries) {
    const value = toValue(entries[key], key);
    if (key && value !== undefined && left-- > 0) (picked ??= {})[bound(key, KEY_UNITS)] = value;
  }
  return picked;
}
