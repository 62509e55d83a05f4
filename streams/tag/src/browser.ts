/** What the browser says, unasked of the person, of itself and of the person's wishes. */

import type { Body } from "./wire";

interface Browser extends Navigator {
  readonly globalPrivacyControl?: unknown;
  /** Chromium's own, and only where the connection is secure. */
  readonly keyboard?: { getLayoutMap(): Promise<ReadonlyMap<string, string>> };
}

type Told = Pick<Body, "language" | "webdriver" | "gpc" | "dnt"> & {
  keyboard?: string;
};

/** Filled once: a page being torn down may already answer with the browser's default. */
export const told = {} as Told;

/** Reads it, and asks for the keyboard's layout, which comes a moment later. */
export function readBrowser(): void {
  const browser = navigator as Browser;
  told.language = browser.language;
  if (browser.webdriver) told.webdriver = true;
  if (browser.globalPrivacyControl) told.gpc = true;
  if (browser.doNotTrack === "1") told.dnt = true;
  browser.keyboard?.getLayoutMap().then(
    (layout) => {
      const row = Array.from("QWERTY", (key) => layout.get("Key" + key)).join("");
      if (row) told.keyboard = toClass(row);
    },
    () => {
      // A frame that may not ask: not collected.
    },
  );
}

/** Names a layout by its first six letters; three are called after them. */
function toClass(row: string): string {
  return (
    /qwert[yz]|azerty/.exec(row)?.[0] ??
    { qwf: "colemak", "',.": "dvorak" }[row.slice(0, 3)] ??
    (/[\u0400-\u04ff]/.test(row) ? "cyrillic" : "other")
  );
}
