/** What `JQueryConnection` needs of a page into which a client was loaded. */
export function clientOf(window) {
  const { hubConnection, signalR } = window.noJQuery ?? window.jQuery;
  return {
    hubConnection,
    ajaxDefaults: signalR.ajaxDefaults,
    origin: window.location.origin,
    setCookie: (text) => {
      window.document.cookie = `${text}; path=/`;
    },
  };
}
