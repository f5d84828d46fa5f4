"""A server that asks for a client certificate, and tells who came: a line for an order."""
import contextlib
import ssl

from server import PATIENCE, Listener

NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME
ALLOW_CLIENT_RENEGOTIATION = 1 << 8  # SSL_OP_ALLOW_CLIENT_RENEGOTIATION


class AskingServer(Listener):
    """Orders: `who` is answered with the CN of the client's certificate, `ask` asks for one after the handshake.

    when: "always", "later" (at `ask`), "never".
    """

    def __init__(self, identity, ca, *, tls=None, when="always", host="127.0.0.1"):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(identity.chain_with(ca), identity.key)
        self._context.load_verify_locations(ca.certificate)
        self._context.verify_flags |= NO_CHECK_TIME
        self._context.options |= ALLOW_CLIENT_RENEGOTIATION
        if tls is not None:
            version = {12: ssl.TLSVersion.TLSv1_2, 13: ssl.TLSVersion.TLSv1_3}[tls]
            self._context.minimum_version = self._context.maximum_version = version
        if when != "never":
            self._context.verify_mode = ssl.CERT_OPTIONAL
        if when == "later":
            self._context.post_handshake_auth = True
        super().__init__(True, host)

    def serve(self, plain):
        with contextlib.suppress(OSError), self._context.wrap_socket(plain, server_side=True) as secure:
            secure.settimeout(PATIENCE)
            while order := secure.recv(100):
                if order == b"ask\n":
                    secure.verify_client_post_handshake()
                    secure.sendall(b"asked\n")
                else:
                    secure.sendall(self._name(secure).encode() + b"\n")

    @staticmethod
    def _name(secure):
        subject = (secure.getpeercert() or {}).get("subject", ())
        return next((value for part in subject for key, value in part if key == "commonName"), "nobody")
