/** The tag: starts once for each site on a page, when the page is really shown. */

import { answerCalls, offerApi } from "./api";
import { readBrowser } from "./browser";
import { checkChoice } from "./choice";
import { watchClicks } from "./clicks";
import { readConfig, settings } from "./config";
import { endPage, startEngagement, watchEngagement } from "./engagement";
import { watchForms } from "./forms";
import { guarded, isStopped, listen } from "./guard";
import { startPageLoad, watchNavigation } from "./page";
import { flush, watchConnection } from "./queue";

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
  const { site } = settings;
  const sites = (window.hmaraSites ??= []);
  if (!site || sites.includes(site)) return;
  sites.push(site);
  offerApi();
  // A page that is only rendered ahead has not been viewed.
  if (document.prerendering) {
    listen("prerenderingchange", start);
  } else {
    start();
  }
})();

function start(): void {
  show();
  checkChoice();
  // Also for a person who has opted out: the page's calls go on being harmless.
  answerCalls();
  if (isStopped) return;
  readBrowser();
  watchConnection();
  watchClicks();
  watchForms();
  watchEngagement();
  // On phones a hidden page is often the last that is seen of it, so it counts as left.
  listen("visibilitychange", () => {
    if (document.hidden) leave();
    // Meanwhile the person may have opted out in another tab.
    else checkChoice();
  });
  // A hidden page that is frozen may be discarded without another word.
  listen("pagehide freeze", leave);
  listen("pageshow", ({ persisted }: PageTransitionEvent) => {
    // Back from the back/forward cache: for the person a new page load, for the script none.
    if (persisted) show();
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
