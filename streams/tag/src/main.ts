/** The tag: starts once for each site on a page, when the page is really shown. */

import { watchClicks } from "./clicks";
import { readConfig, site } from "./config";
import { endPage, startEngagement, watchEngagement } from "./engagement";
import { guarded, listen } from "./guard";
import { startPageLoad, watchNavigation } from "./page";
import { flush, startQueue } from "./queue";

declare global {
  interface Document {
    /** True while a page is rendered ahead, in case the person goes there. */
    readonly prerendering?: boolean;
  }
  interface Window {
    /** The sites that a tag on this page already reports to. */
    hmaraSites?: string[];
  }
}

guarded(() => {
  readConfig();
  const sites = (window.hmaraSites ??= []);
  if (!site || sites.includes(site)) return;
  sites.push(site);
  // A page that is only rendered ahead has not been viewed.
  if (document.prerendering) {
    document.addEventListener("prerenderingchange", guarded(start), { once: true });
  } else {
    start();
  }
})();

function start(): void {
  startQueue();
  show();
  watchClicks();
  watchEngagement();
  // On phones a hidden page is often the last that is seen of it, so it counts as left.
  listen(document, "visibilitychange", () => {
    if (document.visibilityState === "hidden") leave();
  });
  listen(window, "pagehide", leave);
  listen(window, "pageshow", (event) => {
    // Back from the back/forward cache: for the person a new page load, for the script none.
    if ((event as PageTransitionEvent).persisted) show();
  });
  // Last, since it changes what belongs to the page, and a page can forbid that.
  watchNavigation(() => {
    endPage();
    startEngagement();
  });
}

function show(): void {
  startPageLoad();
  startEngagement();
}

function leave(): void {
  endPage();
  flush(true);
}
