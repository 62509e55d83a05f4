/** Engaged time and scroll depth: how long, and how far, the page really had the person. */

import { pingIntervalMs } from "./config";
import { guarded, listen } from "./guard";
import { record, toPermille } from "./page";

/** So long after its last sign a person still counts as reading. */
const ACTIVE_FOR_MS = 30_000;

/**
 * Signs of life. No key and no mouse movement among them: typing shows as `input`, moving by
 * keyboard as `focus` and `scroll`, and none is looked into.
 */
const SIGNS = "scroll wheel pointerdown input focus";

let engagedMs = 0;
let isEngaged = false;
let countedUntil = 0;
let activeAt = 0;
let deepest = 0;
let deepestReported = -1;

/** Starts counting for a page that is now shown. */
export function startEngagement(): void {
  engagedMs = 0;
  deepest = 0;
  deepestReported = -1;
  activeAt = countedUntil = Date.now();
  count();
}

/** Counts from the signs of life, and reports engaged time while there is any. */
export function watchEngagement(): void {
  listen(window, "blur", count);
  listen(document, "visibilitychange", count);
  listen(window, SIGNS, () => {
    count();
    activeAt = Date.now();
    measureDepth();
  });
  setInterval(
    guarded(() => {
      count();
      if (engagedMs) record("engagement", { engaged_ms: takeEngaged() });
    }),
    pingIntervalMs,
  );
}

/**
 * Reports the end of the page. A page that is only hidden may come back, and one that is left is
 * hidden and unloaded: another end is reported only for what the last did not say.
 */
export function endPage(): void {
  count();
  // While it is being left a page still counts as visible; nobody is there any more.
  isEngaged = false;
  measureDepth();
  if (!engagedMs && deepest <= deepestReported) return;
  deepestReported = deepest;
  record("page_end", { engaged_ms: takeEngaged(), scroll_permille: deepest });
}

/** Adds the time since the last count if the person was there then; looks whether they are now. */
function count(): void {
  const now = Date.now();
  if (isEngaged) engagedMs += Math.max(0, Math.min(now, activeAt + ACTIVE_FOR_MS) - countedUntil);
  countedUntil = now;
  isEngaged = document.visibilityState === "visible" && document.hasFocus();
}

function takeEngaged(): number {
  const taken = engagedMs;
  engagedMs = 0;
  return taken;
}

function measureDepth(): void {
  // Until the document is whole its height is that of what has come so far.
  if (document.readyState === "loading") return;
  const { scrollHeight } = document.documentElement;
  deepest = Math.max(deepest, toPermille(scrollY + innerHeight, scrollHeight));
}
