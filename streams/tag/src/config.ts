/** What the page's author set on the script element; read once, while the element is known. */

const PING_MS = 15_000;
const SHORTEST_PING_MS = 1_000;

/** The site's id; empty when the author named none, and then the tag does nothing. */
export let site: string;

/** Where events go: the tag's own origin unless the page names another address. */
export let endpointUrl: string;

/** Whether the fragment is part of the page's address, as it is for hash routers. */
export let usesHash: boolean;

/** How often engaged time is reported; never more often than once a second. */
export let pingIntervalMs: number;

/**
 * Reads the settings. Only while the script first runs does the browser say which element it came
 * from, and to a module it never does: then, or for an address that is none, this throws.
 */
export function readConfig(): void {
  const { dataset, src } = document.currentScript as HTMLScriptElement;
  site = dataset.site ?? "";
  endpointUrl = new URL(dataset.endpoint ?? "/v1/events", src).href;
  usesHash = dataset.hash !== undefined;
  pingIntervalMs = Math.max(SHORTEST_PING_MS, Number(dataset.pingMs) || PING_MS);
}
