/** The only ways in which the browser calls the tag: each keeps the tag's faults from the page. */

/** Wraps `run` so that nothing it throws reaches the page or its error handlers. */
export function guarded<Args extends unknown[]>(
  run: (...args: Args) => void,
): (...args: Args) => void {
  return (...args) => {
    try {
      run(...args);
    } catch {
      // The visitor came for the page: a lost measurement is not worth a broken one.
    }
  };
}

/** Listens for `types`, separated by spaces, before the page's own listeners can stop them. */
export function listen(target: EventTarget, types: string, run: (event: Event) => void): void {
  for (const type of types.split(" ")) {
    // Passive: the tag never delays a scroll or a tap.
    target.addEventListener(type, guarded(run), { capture: true, passive: true });
  }
}
