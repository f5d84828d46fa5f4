"""The other side of the tests: a TLS server that remembers every byte, and a socket that counts them."""
import concurrent.futures
import contextlib
import queue
import socket
import ssl
import threading

NO_CERTIFICATE = "peer did not return a certificate"  # OpenSSL, where one is demanded
ANSWER = b"hello from the lab\n"
REPLY = b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER)
PATIENCE = 60  # seconds that nothing may take longer than, however busy the machine is


class Connection:
    """What the server saw of one connection."""

    def __init__(self):
        self.sni = None
        self.error = None  # of the handshake
        self.version = None
        self.data = b""  # every decrypted byte of application data
        self.client_certificate = None

    @property
    def client_name(self):
        """The common name in the client's certificate; None: it showed none."""
        subject = (self.client_certificate or {}).get("subject", ())
        return dict(pair for (pair,) in subject).get("commonName")

    def __repr__(self):
        return f"Connection({self.__dict__})"


class Listener:
    """Accepts on 127.0.0.1, or `host`, a thread for each connection; results wait in a queue.

    quiet: forget them, where thousands come. port: 0 is one that is free.
    """

    def __init__(self, quiet=False, host="127.0.0.1", port=0):
        self._quiet = quiet
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=128)
        self.port = self._socket.getsockname()[1]
        self._seen = queue.Queue()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            self._start(plain)

    def _start(self, plain):
        """The thread of a connection. Threads may end in another order than they begin, so its result is queued now."""
        seen = concurrent.futures.Future()
        if not self._quiet:
            self._seen.put(seen)
        thread = threading.Thread(target=self._one, args=(plain, seen), daemon=True)
        thread.start()
        return thread

    def _one(self, plain, seen):
        plain.settimeout(PATIENCE)
        with plain:
            try:
                seen.set_result(self.serve(plain))
            except Exception as error:
                seen.set_exception(error)
                raise

    def serve(self, plain):
        raise NotImplementedError

    def next(self):
        """What is known of the next connection in the order in which they came; waits for it to end. None: nobody came."""
        try:
            return self._seen.get(timeout=PATIENCE / 3).result(timeout=PATIENCE)
        except queue.Empty:
            return None

    def close(self):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class TlsServer(Listener):
    """Shows the chain in `chain` (PEM) with the private key `key`.

    greet: speak first, for clients whose first call is SSL_read. client_ca: ask for a certificate.
    """

    def __init__(self, chain, key, *, tls=None, greet=False, client_ca=None, quiet=False,
                 host="127.0.0.1", port=0):
        self._greet = greet
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(chain, key)
        self._context.sni_callback = self._remember_name
        if tls is not None:
            version = {12: ssl.TLSVersion.TLSv1_2, 13: ssl.TLSVersion.TLSv1_3}[tls]
            self._context.minimum_version = self._context.maximum_version = version
        if client_ca is not None:
            self._context.load_verify_locations(client_ca)
            self._context.verify_mode = ssl.CERT_REQUIRED
        super().__init__(quiet, host, port)

    @staticmethod
    def _remember_name(secure, name, _context):
        secure.lab_name = name

    def serve(self, plain):
        seen = Connection()
        secure = self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        secure.lab_name = None
        with secure:
            try:
                secure.do_handshake()
                seen.version = secure.version()
                seen.client_certificate = secure.getpeercert()
                if self._greet:
                    secure.sendall(b"*")
                self._converse(secure, seen)
            except OSError as error:
                if seen.version is None:
                    seen.error = str(error)
            seen.sni = secure.lab_name
        return seen

    @staticmethod
    def _converse(secure, seen):
        """Reads to the end of what the client sends; answers when a request is complete."""
        answered = False
        while part := secure.recv(65536):
            seen.data += part
            if not answered and seen.data.endswith(b"\r\n\r\n"):
                answered = True
                secure.sendall(REPLY)
                # Say goodbye without waiting for the client's: it may send more, and that counts.
                secure.setblocking(False)
                with contextlib.suppress(OSError):
                    secure.unwrap()
                secure.settimeout(PATIENCE)
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(secure, socket.SHUT_WR)


class ByteCounter(Listener):
    """Speaks no TLS. For each connection: how many bytes came, 0 if the client left without a word."""

    def serve(self, plain):
        try:
            return len(plain.recv(65536))
        except ConnectionResetError:
            return 0
