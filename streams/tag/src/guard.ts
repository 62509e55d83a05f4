/** The only ways in which the browser and the page call the tag: its faults stay within it. */

/** True once the person has opted out: from then on nothing of the tag runs. */
export let isStopped = false;

/** Ends the tag on this page: whatever still calls it finds nothing. */
export function stop(): void {
  isStopped = true;
}

/** Wraps `run` so that nothing it throws reaches the page or its error handlers. */
export function guarded<Args extends unknown[]>(
  run: (...args: Args) => void,
): (...args: Args) => void {
  return (...args) => {
    try {
      if (!isStopped) run(...args);
    } catch {
      // The visitor came for the page: a lost measurement is not worth a broken one.
    }
  };
}

/**
 * Listens for `types`, separated by spaces. At the window, and on the way down: there the page's
 * own listeners have not stopped anything yet.
 */
export function listen(types: string, run: (event: never) => void): void {
  for (const type of types.split(" ")) {
    addEventListener(type, guarded(run) as (event: Event) => void, true);
  }
}
