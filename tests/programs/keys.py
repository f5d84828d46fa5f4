"""Keys and certificates, made by the openssl command."""
import base64
import hashlib
import pathlib
import subprocess

KINDS = {
    "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "ed25519": ["-algorithm", "ED25519"],
}
WEAK = {"weak": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"]}  # below OpenSSL's default security level
NAMES = "DNS:localhost,IP:127.0.0.1"


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout


def public_der(certificate):
    pem = openssl("x509", "-in", certificate, "-noout", "-pubkey")
    return subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=pem, check=True,
                          stdout=subprocess.PIPE).stdout


def pin_of(certificate):
    digest = hashlib.sha256(public_der(certificate)).digest()
    return "sha256//" + base64.b64encode(digest).decode()


def fingerprint_of(certificate):
    return hashlib.sha256(openssl("x509", "-in", certificate, "-outform", "DER")).hexdigest()


class Identity:
    """A private key with its certificate: `key` and `certificate` are paths, `pin` is the pin.

    names: the subjectAltName. key_id: the subject key identifier, to look like another. days: negative for one that
    has expired (with an issuer alone). given: the path of a private key that is there already.
    """

    def __init__(self, directory, name, kind="p256", issuer=None, subject=None, ca=False, names=NAMES, key_id="hash",
                 days=365, given=None):
        self.key = given or pathlib.Path(directory, f"{name}.key")
        self.certificate = pathlib.Path(directory, f"{name}.pem")
        if given is None:
            openssl("genpkey", *{**KINDS, **WEAK}[kind], "-out", self.key)
            self.key.chmod(0o600)
        request = ["req", "-new", "-key", self.key, "-subj", f"/CN={subject or name}"]
        # As complete as Python 3.13 wants them (VERIFY_X509_STRICT).
        extensions = ["basicConstraints=critical,CA:" + ("TRUE" if ca else "FALSE"), f"subjectKeyIdentifier={key_id}"]
        if ca:
            extensions.append("keyUsage=critical,keyCertSign,cRLSign")
        else:
            extensions.append(f"subjectAltName={names}")
        if issuer is None:
            added = [word for extension in extensions for word in ("-addext", extension)]
            openssl(*request, "-x509", "-days", "365", *added, "-out", self.certificate)
        else:
            extensions.append("authorityKeyIdentifier=keyid")
            text = self.certificate.with_suffix(".ext")
            text.write_text("\n".join(extensions) + "\n")
            wish = self.certificate.with_suffix(".csr")
            openssl(*request, "-out", wish)
            openssl("x509", "-req", "-in", wish, "-CA", issuer.certificate, "-CAkey", issuer.key,
                    "-CAcreateserial", "-days", str(days), "-extfile", text, "-out", self.certificate)
        self.pin = pin_of(self.certificate)

    def chain_with(self, *others):
        """The path of a PEM file: this certificate, then those of others, as a server would send them."""
        names = "+".join(other.certificate.stem for other in others)
        chain = self.certificate.with_name(f"{self.certificate.stem}+{names}.chain")
        chain.write_text("".join(who.certificate.read_text() for who in (self, *others)))
        return chain
