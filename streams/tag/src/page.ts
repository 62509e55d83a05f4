/** The page load and the page now shown: their identity, their address, their views. */

import { usesHash } from "./config";
import { guarded, listen } from "./guard";
import { put } from "./queue";
import type { Details, Event, EventType } from "./wire";

const URL_UNITS = 2_048;
const TITLE_UNITS = 300;
/** Long enough for a router to set the new page's title, and still before the batch is sent. */
const TITLE_AFTER_MS = 300;

let pageLoadId: string;
let seq: number;
let url: string;

/** Queues an event of the page now shown, with the next number of its page load. */
export function record(type: EventType, details: Details): Event {
  const event = { type, seq: seq++, url, ...details };
  put(pageLoadId, event);
  return event;
}

/** Cuts `text` to what the collector takes; half a surrogate pair is no valid Unicode there. */
export function bound(text: string, units: number): string {
  return text.slice(0, units).replace(/[\ud800-\udfff]/gu, "");
}

/** `part` of `whole` in thousandths, within 0 to 1000. */
export function toPermille(part: number, whole: number): number {
  return Math.max(0, Math.min(1000, Math.round((1000 * part) / whole))) || 0;
}

/** Opens a page load: a fresh random id, known to this page's memory only, and its first view. */
export function startPageLoad(): void {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  pageLoadId = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  seq = 0;
  url = address();
  // Never the full referrer: its path and query belong to another page, often another site.
  const referrer = /^[^/]+\/\/[^/?#]+\/?/.exec(document.referrer)?.[0];
  record("page_view", { referrer, title: title() });
}

/** Reports a view when a script changes the address; `leave` hears of it while the old one holds. */
export function watchNavigation(leave: () => void): void {
  const check = guarded(() => {
    const next = address();
    if (next === url) return;
    leave();
    const referrer = url.replace(/[?#].*/, "");
    url = next;
    const view = record("page_view", { referrer, title: title() });
    setTimeout(
      guarded(() => {
        if (url === next) view.title = title();
      }),
      TITLE_AFTER_MS,
    );
  });
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name].bind(history);
    // What the page passes, gets back and sees thrown stays the browser's own.
    history[name] = (...args) => {
      // void to the browser, but not to every wrapper that came before this one.
      const returned: unknown = (original as (...args: unknown[]) => unknown)(...args);
      check();
      return returned;
    };
  }
  listen(window, "popstate hashchange", check);
}

/** The page's address without its fragment (unless that routes) and without any user name in it. */
function address(): string {
  return bound(
    location.origin + location.pathname + location.search + (usesHash ? location.hash : ""),
    URL_UNITS,
  );
}

function title(): string {
  return bound(document.title, TITLE_UNITS);
}
