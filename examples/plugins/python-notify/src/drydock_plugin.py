"""The plugin protocol of drydock for notifiers, from the side of the plugin, without any SDK.

What happens, in order:

1. The agent starts the process with the magic cookie in its environment, and with its own certificate.
2. The plugin listens on a Unix socket with TLS, and prints one line on standard output that says where, and which
   certificate to expect. After that standard output is never used again; log lines go to standard error as JSON.
3. The agent connects, opens the stream Lifeline, and calls Describe and Configure.
4. The agent calls Send, as often as it likes and in parallel.
5. The agent calls Stop and lets go of the lifeline. The plugin exits. It also exits when the lifeline ends without Stop:
   then the agent is dead, and nobody else would end the plugin.
"""

import base64
import contextlib
import datetime
import json
import os
import re
import sys
import threading
from concurrent import futures

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from drydock.plugin.v1 import notify_pb2, provider_pb2 as pb
import rpc_status_pb2

# The handshake: sdk/internal/handshake has the same values. The cookie is no secret; it tells a plugin that it was not
# started by hand.
COOKIE_NAME, COOKIE = "DRYDOCK_PLUGIN", "b5b0f4d5-2b4f-4d52-8f0c-5d9b1f6f7a11"
CORE_PROTOCOL, APP_PROTOCOL = 1, 1

THREADS = 40  # calls at once; the lifeline holds one for as long as the plugin lives
LIFELINE_WAIT = 5  # seconds for the agent to open the lifeline
DRAIN_WAIT = 2  # seconds for running calls to notice that they were cancelled

# The gRPC code is for people who look at the wire; the kind in the details decides.
CODES = {
    "PERMISSION": grpc.StatusCode.PERMISSION_DENIED, "THROTTLED": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "TRANSIENT": grpc.StatusCode.ABORTED, "PERMANENT": grpc.StatusCode.UNKNOWN,
    "INVALID": grpc.StatusCode.INVALID_ARGUMENT, "CANCELED": grpc.StatusCode.CANCELLED,
}


class Failure(Exception):
    """A call that failed, with its kind: a name of ErrorKind without the prefix. retry_after is in seconds."""

    def __init__(self, kind, message, retry_after=0):
        super().__init__(message)
        self.kind, self.retry_after = kind, retry_after


class Invalid(Exception):
    """A configuration that is wrong, with diagnostics that point at what."""

    def __init__(self, diagnostics):
        super().__init__("invalid configuration")
        self.diagnostics = diagnostics


def diagnostic(path, summary, detail=""):
    """One thing that is wrong. path is the attribute's name; the agent turns it into a line of the job file."""
    return pb.Diagnostic(path=path, summary=summary, detail=detail)


def seconds(text):
    """Reads a duration such as "10s", "1m30s" or "1.5h"; 0 for what is none."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    part = r"(\d+(?:\.\d+)?)(ms|[smhdw])"
    if not re.fullmatch(f"(?:{part})+", text, re.ASCII):
        return 0
    return sum(float(number) * units[unit] for number, unit in re.findall(part, text, re.ASCII))


def log(level, message, **more):
    """Writes a line that the agent takes apart and writes to its own log, with the plugin's name."""
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="microseconds")
    print(json.dumps({"@level": level, "@message": message, "@timestamp": now, **more}), file=sys.stderr, flush=True)


class Call:
    """One running call. It ends early when the agent gives up or the plugin stops."""

    def __init__(self, context):
        self.context = context
        self.canceled = False
        self.hook = lambda: None
        if not context.add_callback(self.cancel):  # runs when the call ends, however it ends
            self.canceled = True

    def on_cancel(self, hook):
        """Sets what wakes up a call that waits. It may run late, or twice; then it must do no harm."""
        self.hook = hook
        if self.canceled:
            hook()

    def cancel(self):
        self.canceled = True
        self.hook()


class Service:
    """The services Provider and Notifier of the protocol."""

    def __init__(self, description, provider):
        self.description, self.provider = description, provider
        self.notifier = None
        self.lock = threading.Lock()
        self.calls = set()
        self.idle = threading.Condition(self.lock)
        self.stopping = False
        self.held = threading.Event()  # the lifeline was opened
        self.released = threading.Event()  # and has ended

    def describe(self, request, context):
        return self.description

    def configure(self, request, context):
        with self.lock:
            if self.notifier is not None:
                fail(context, Failure("INVALID", "configure: the provider is configured already"))
            try:
                self.notifier = self.provider(json.loads(request.config_json))
            except Invalid as e:
                return pb.ConfigureResponse(diagnostics=e.diagnostics)
            except ValueError:
                fail(context, Failure("INVALID", "configure: the configuration is not a JSON object"))
            return pb.ConfigureResponse()

    def health(self, request, context):
        return pb.HealthResponse()

    def lifeline(self, request, context):
        """Stays open as long as the agent lives. Nothing is ever sent."""
        self.held.set()
        if not context.add_callback(self.released.set):
            self.released.set()
        self.released.wait()
        return iter(())

    def stop(self, request, context):
        with self.lock:
            self.stopping = True
            for call in list(self.calls):
                call.cancel()
            self.idle.wait_for(lambda: not self.calls, DRAIN_WAIT)
        return pb.StopResponse()

    def send(self, request, context):
        call = Call(context)
        with self.lock:
            if self.stopping:
                fail(context, Failure("CANCELED", "the provider is stopping"))
            if self.notifier is None:
                fail(context, Failure("INVALID", "the provider is not configured"))
            self.calls.add(call)
        try:
            self.notifier.send(request.event, call)
            return notify_pb2.SendResponse()
        except Failure as e:
            fail(context, Failure("CANCELED", str(e)) if call.canceled else e)
        except Exception as e:  # a mistake in the provider must not show what it was handling
            log("error", "send failed unexpectedly", error=type(e).__name__)
            fail(context, Failure("PERMANENT", f"send: {type(e).__name__}"))
        finally:
            with self.lock:
                self.calls.discard(call)
                self.idle.notify_all()

    def handlers(self):
        """What the generated code of protoc's gRPC plug-in would contain."""
        unary = grpc.unary_unary_rpc_method_handler
        yield grpc.method_handlers_generic_handler("drydock.plugin.v1.Provider", {
            "Describe": unary(self.describe, pb.DescribeRequest.FromString, pb.DescribeResponse.SerializeToString),
            "Configure": unary(self.configure, pb.ConfigureRequest.FromString, pb.ConfigureResponse.SerializeToString),
            "Health": unary(self.health, pb.HealthRequest.FromString, pb.HealthResponse.SerializeToString),
            "Stop": unary(self.stop, pb.StopRequest.FromString, pb.StopResponse.SerializeToString),
            "Lifeline": grpc.unary_stream_rpc_method_handler(
                self.lifeline, pb.LifelineRequest.FromString, pb.LifelineResponse.SerializeToString),
        })
        yield grpc.method_handlers_generic_handler("drydock.plugin.v1.Notifier", {
            "Send": unary(self.send, notify_pb2.SendRequest.FromString, notify_pb2.SendResponse.SerializeToString),
        })
        # gRPC's own health service, which go-plugin asks for. The two bytes are HealthCheckResponse{status: SERVING}.
        yield grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": unary(lambda r, c: b"\x08\x01")})


def fail(context, failure):
    """Ends a call with an error: a gRPC status whose details hold one drydock.plugin.v1.Error. It does not return."""
    code = CODES[failure.kind]
    detail = pb.Error(kind=pb.ErrorKind.Value("ERROR_KIND_" + failure.kind), message=str(failure),
                      retry_after_ms=int(failure.retry_after * 1000))
    status = rpc_status_pb2.Status(code=code.value[0], message=str(failure))
    status.details.add(type_url="type.googleapis.com/" + detail.DESCRIPTOR.full_name, value=detail.SerializeToString())
    context.set_trailing_metadata([("grpc-status-details-bin", status.SerializeToString())])
    context.abort(code, str(failure))


def certificate():
    """Makes the certificate of this process: self-signed, for "localhost", which is the name that go-plugin asks for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.utcnow()
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5)).not_valid_after(now + datetime.timedelta(days=3650))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256()))
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made, private


def credentials():
    """Returns TLS for both sides, and our certificate as the handshake has it: base64 of its DER, without padding."""
    made, private = certificate()
    ours = made.public_bytes(serialization.Encoding.PEM)
    der = made.public_bytes(serialization.Encoding.DER)
    agents = os.environ["PLUGIN_CLIENT_CERT"].encode()  # PEM: the only client that is let in
    tls = grpc.ssl_server_credentials([(private, ours)], root_certificates=agents, require_client_auth=True)
    return tls, base64.b64encode(der).decode().rstrip("=")


def serve(kind, name, version, doc, schema, provider):
    """Serves until the agent ends the plugin or is gone. provider makes a notifier of a decoded configuration."""
    if os.environ.get(COOKIE_NAME) != COOKIE or "PLUGIN_CLIENT_CERT" not in os.environ:
        sys.exit(f"this is a plugin of drydock: put it into the agent's plugin directory and name it in a job file "
                 f"({kind} \"{name}\")")
    service = Service(pb.DescribeResponse(kind=kind, name=name, version=version, doc=doc, attributes=schema), provider)
    server = grpc.server(futures.ThreadPoolExecutor(THREADS), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers(tuple(service.handlers()))
    tls, ours = credentials()
    path = os.path.join(os.environ.get("PLUGIN_UNIX_SOCKET_DIR") or ".", f"plugin{os.getpid()}")
    server.add_secure_port("unix:" + path, tls)
    server.start()
    print(f"{CORE_PROTOCOL}|{APP_PROTOCOL}|unix|{path}|grpc|{ours}", flush=True)
    if service.held.wait(LIFELINE_WAIT):
        service.released.wait()
    service.stop(None, None)
    with contextlib.suppress(OSError):  # a live agent removes the directory itself; a dead one cannot
        os.remove(path)
        os.rmdir(os.path.dirname(path))
    os._exit(0)  # at once: gRPC's threads would take their time
