"""The ntfy notifier: what is particular to it. The plugin protocol is in drydock_plugin.py.

ntfy (https://ntfy.sh) delivers messages to phones and desktops. An event becomes one POST of JSON to the server:
https://docs.ntfy.sh/publish/#publish-as-json
"""

import http.client
import json
import socket
import ssl
import threading
import urllib.parse

import drydock_plugin as plugin
from drydock_plugin import Failure, Invalid, pb

PRIORITIES = {"info": 3, "warning": 4, "critical": 5}
MAX_ANSWER = 64 * 1024  # bytes of an answer that are read, so that one without end does no harm
MAX_RETRY_AFTER = 24 * 3600  # seconds; more is not believed

SCHEMA = [
    pb.Attribute(name="topic", type="string", required=True, sensitive=True, example="drydock-4f7a91",
                 doc="Topic to publish to. Who knows it can read along, so it is kept like a password."),
    pb.Attribute(name="server", type="string", default_json=b'"https://ntfy.sh"',
                 doc="Address of the server, http or https."),
    pb.Attribute(name="token", type="string", sensitive=True, example="tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2",
                 doc="Access token of the server."),
    pb.Attribute(name="timeout", type="duration", default_json=b'"10s"', doc="How long one attempt may take."),
]


class Ntfy:
    """Publishes events. send is called from several threads at once."""

    def __init__(self, config):
        """Checks the configuration. All that is wrong is reported at once, each mistake at its attribute."""
        wrong = [plugin.diagnostic([name], f'there is no attribute "{name}"')
                 for name in config if name not in [a.name for a in SCHEMA]]
        wrong += [plugin.diagnostic([name], f"{name} is not a string")
                  for name, value in config.items() if not isinstance(value, str)]
        if wrong:
            raise Invalid(wrong)
        self.topic, self.token = config.get("topic", ""), config.get("token", "")
        if not self.topic or not all(c.isascii() and (c.isalnum() or c in "-_") for c in self.topic):
            wrong.append(plugin.diagnostic(["topic"], "topic is missing or has other characters than letters, digits, - and _"))
        if not self.token.isascii() or not self.token.isprintable():
            wrong.append(plugin.diagnostic(["token"], "token has characters that cannot be in a header"))
        try:
            self.url = urllib.parse.urlsplit(config.get("server", "https://ntfy.sh"))
            self.port = self.url.port
        except ValueError:
            self.url = None
        if not self.url or self.url.scheme not in ("http", "https") or not self.url.hostname:
            wrong.append(plugin.diagnostic(["server"], "not a web address", "Write for example https://ntfy.sh."))
        self.timeout = plugin.seconds(config.get("timeout", "10s"))
        if not 0 < self.timeout <= 3600:
            wrong.append(plugin.diagnostic(["timeout"], "not a duration up to an hour", 'Write for example "10s".'))
        if wrong:
            raise Invalid(wrong)

    def send(self, event, call):
        """Publishes one event: one attempt, because only the agent tries again."""
        what = f"publish event {event.id} at {self.url.hostname}"
        if not event.id or not event.id.isascii() or not event.id.isprintable():
            raise Failure("INVALID", f"publish event: its id {event.id!r} cannot be a header")
        connection = self.connect()
        late = threading.Event()

        def expire():
            late.set()
            abort(connection)

        timer = threading.Timer(self.timeout, expire)  # a timeout of the whole attempt; the socket's is for each read
        timer.start()
        call.on_cancel(lambda: abort(connection))
        try:
            connection.connect()
            if late.is_set() or call.canceled:  # while there was nothing to abort yet
                raise TimeoutError
            connection.request("POST", self.url.path or "/", self.body(event), self.headers(event))
            answer = connection.getresponse()
            answer.read(MAX_ANSWER)
        except (OSError, http.client.HTTPException, ValueError) as e:
            if isinstance(e, ssl.SSLCertVerificationError):
                raise Failure("PERMANENT", f"{what}: {e.verify_message}") from e
            cause = getattr(e, "strerror", None) or type(e).__name__  # nothing of the request, which holds the token
            if late.is_set() or isinstance(e, TimeoutError):
                cause = "no answer in time"
            raise Failure("TRANSIENT", f"{what}: {cause}") from e
        finally:
            timer.cancel()
            connection.close()
        judge(answer, what)

    def connect(self):
        if self.url.scheme == "http":
            return http.client.HTTPConnection(self.url.hostname, self.port, timeout=self.timeout)
        return http.client.HTTPSConnection(self.url.hostname, self.port, timeout=self.timeout,
                                           context=ssl.create_default_context())

    def headers(self, event):
        # The id is the same for every attempt to deliver this event, so that whoever listens can drop duplicates.
        headers = {"Content-Type": "application/json", "Idempotency-Key": event.id}
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        return headers

    def body(self, event):
        about = [f"{name}: {value}" for name, value in
                 [("host", event.host), ("job", event.job), ("run", event.run), *sorted(event.fields.items())] if value]
        return json.dumps({
            "topic": self.topic, "title": event.summary, "message": "\n".join([event.detail, *about]).strip() or event.type,
            "priority": PRIORITIES.get(event.severity, 3), "tags": [event.type],
        }, ensure_ascii=False).encode()


def abort(connection):
    """Wakes up whoever waits for the server. The connection is of no use after that."""
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # closed already


def judge(answer, what):
    """Turns the server's answer into one of the protocol's kinds of error. The agent decides what to do about it."""
    said = f"{what}: the server answered {answer.status}"
    if 200 <= answer.status < 300:
        return
    if answer.status == 429:
        asked = answer.headers.get("Retry-After", "")
        wait = min(int(asked), MAX_RETRY_AFTER) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 0
        raise Failure("THROTTLED", said, retry_after=wait)
    if answer.status in (401, 403):
        raise Failure("PERMISSION", said)
    raise Failure("TRANSIENT" if answer.status >= 500 or answer.status == 408 else "PERMANENT", said)


if __name__ == "__main__":
    plugin.serve(kind="notify", name="ntfy", version="1.0.0", doc="Publishes each event to a topic of an ntfy server.",
                 schema=SCHEMA, provider=Ntfy)
