"""The server that is driven against, and its control endpoints."""

import urllib.error
import urllib.parse
import urllib.request


class Server:
    # It sends nobody elsewhere, as far as relays are concerned: these clients would not go there.
    redirects = False

    def __init__(self, url, path, transport, driver):
        self.url = url.rstrip("/")
        self.path = path
        self.transport = transport
        self.driver = driver
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def look(self):
        """Makes sure that somebody answers."""
        self._opener.open(f"{self.url}{self.path}/negotiate", timeout=5).close()

    def send(self, hub, to, name, text):
        """Sends a text to clients of a hub: to `all`, `group`, `user` or `connection`."""
        query = urllib.parse.urlencode({"hub": hub, "to": to, "name": name, "text": text})
        self._opener.open(urllib.request.Request(f"{self.url}/send?{query}", method="POST"), timeout=30).close()
