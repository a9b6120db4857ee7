/** Loads a script into the page. */
export function load(source) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = source;
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${source} was not loaded`));
    document.head.append(script);
  });
}
