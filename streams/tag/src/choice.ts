/** The person's own choice not to be measured: the one thing that is ever kept on the device. */

import { settings } from "./config";
import { stop } from "./guard";
import { forget } from "./queue";

const CHOICE = "hmara_choice=out";

/** Whoever opens an address with this fragment opts out: a link that does what a button does. */
const LINK = "#hmara-optout";

/** Stops the tag if the person has opted out, or does so now by the link. */
export function checkChoice(): void {
  if (isOut()) optOut();
  checkLink();
}

/** Opts out if the page is now at the link's address. */
export function checkLink(): void {
  if (location.hash === LINK) optOut();
}

/** Ends the tag on this page, and keeps the choice on the device unless it is there already. */
export function optOut(): void {
  stop();
  forget();
  for (const domain of [settings.domain, ""]) {
    // A browser refuses a domain that the page is not part of: then it is kept for the host.
    if (isOut()) return;
    document.cookie =
      CHOICE +
      ";Path=/;SameSite=Lax;Max-Age=34128000" +
      (/^https/.test(location.protocol) ? ";Secure" : "") +
      (domain ? ";Domain=" + domain : "");
  }
}

function isOut(): boolean {
  return document.cookie.split("; ").includes(CHOICE);
}
