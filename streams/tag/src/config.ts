/** What the page's author set on the script element. */

/** Its `data-` attributes; `data-site` is the site's id, and without it the tag does nothing. */
export let settings: DOMStringMap;

/** Where events go: the tag's own origin unless the page names another address. */
export let endpointUrl: string;

/**
 * Finds the element. Only while the script first runs does the browser say which one it came from,
 * and to a module it never does: then, or for an address that is none, this throws.
 */
export function readConfig(): void {
  const script = document.currentScript as HTMLScriptElement;
  settings = script.dataset;
  endpointUrl = new URL(settings.endpoint ?? "/v1/events", script.src).href;
}
