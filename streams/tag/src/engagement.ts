/** Engaged time and scroll depth: how long, and how far, the page really had the person. */

import { settings } from "./config";
import { guarded, listen } from "./guard";
import { clamp, toPermille } from "./bounds";
import { record } from "./page";
import type { Details, EventType } from "./wire";

/** So long after its last sign a person still counts as reading. */
const ACTIVE_FOR_MS = 30_000;

/** How often engaged time is reported; never more often than once a second. */
const PING_MS = 15_000;
const SHORTEST_PING_MS = 1_000;

/**
 * Signs of life. No key and no mouse movement among them: typing shows as `input`, moving by
 * keyboard as `focus`, a wheel as `scroll`, and none is looked into.
 */
const SIGNS = "scroll pointerdown input focus blur visibilitychange";

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
  listen(SIGNS, () => {
    count();
    activeAt = Date.now();
    measureDepth();
  });
  setInterval(
    guarded(() => {
      count();
      if (engagedMs) report("engagement");
    }),
    Math.max(SHORTEST_PING_MS, Number(settings.pingMs) || PING_MS),
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
  if (engagedMs || deepest > deepestReported) {
    deepestReported = deepest;
    report("page_end", { scroll_permille: deepest });
  }
}

/** Adds the time since the last count if the person was there then; looks whether they are now. */
function count(): void {
  const now = Date.now();
  if (isEngaged) engagedMs += clamp(activeAt + ACTIVE_FOR_MS - countedUntil, now - countedUntil);
  countedUntil = now;
  isEngaged = !document.hidden && document.hasFocus();
}

/** Reports the engaged time since the last report. */
function report(type: EventType, details?: Details): void {
  record(type, { engaged_ms: engagedMs, ...details });
  engagedMs = 0;
}

function measureDepth(): void {
  // Until the document is whole its height is that of what has come so far.
  if (document.readyState === "loading") return;
  const whole = document.documentElement;
  deepest = Math.max(deepest, toPermille(scrollY + innerHeight, whole.scrollHeight));
}
