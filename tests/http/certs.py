"""Certificates for tests of TLS, made by openssl: authorities, and what they sign."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from vesta import check

KEYS = {
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "ecdsa": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
}


def openssl(*args: object, data: bytes = b"") -> bytes:
    done = subprocess.run(
        ["openssl", *map(str, args)], input=data, capture_output=True, timeout=120, check=False
    )
    check(done.returncode == 0, f"openssl {args}: {done.stderr.decode()}")
    return done.stdout


@dataclass
class Pair:
    cert: Path
    key: Path

    def write(self, cert: Path, key: Path) -> None:
        """Puts it in the place of other files, at once for each, as certbot and Kubernetes do."""
        for source, target in ((self.cert, cert), (self.key, key)):
            new = target.with_suffix(".new")
            new.write_bytes(source.read_bytes())
            new.rename(target)

    def fingerprint(self) -> str:
        return ssl.PEM_cert_to_DER_cert(
            self.cert.read_text().split("-----END")[0] + "-----END CERTIFICATE-----\n"
        ).hex()


class Authority:
    """A CA in a folder of its own."""

    def __init__(self, folder: Path, name: str):
        self.folder, self.name = folder, name
        folder.mkdir(parents=True, exist_ok=True)
        self.pair = self._key("ca", "ecdsa")
        openssl(
            "req",
            "-x509",
            "-new",
            "-key",
            self.pair.key,
            "-out",
            self.pair.cert,
            "-days",
            30,
            "-subj",
            f"/CN={name}",
            "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
        )

    @property
    def file(self) -> Path:
        return self.pair.cert

    def _key(self, name: str, kind: str) -> Pair:
        pair = Pair(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        openssl("genpkey", *KEYS[kind], "-out", pair.key)
        return pair

    def sign(
        self,
        name: str,
        kind: str = "ecdsa",
        subject: Optional[str] = None,
        usage: str = "serverAuth",
        days: int = 20,
        names: str = "IP:127.0.0.1,DNS:vesta.test",
    ) -> Pair:
        """days may be negative: it expired so many days ago."""
        pair = self._key(name, kind)
        request = openssl("req", "-new", "-key", pair.key, "-subj", subject or f"/CN={name}")
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(
            f"basicConstraints=CA:FALSE\nextendedKeyUsage={usage}\nsubjectAltName={names}\n"
        )
        openssl(
            "x509",
            "-req",
            "-CA",
            self.pair.cert,
            "-CAkey",
            self.pair.key,
            "-CAcreateserial",
            "-out",
            pair.cert,
            "-extfile",
            extensions,
            "-days",
            days,
            data=request,
        )
        return pair

    def context(self, client: Optional[Pair] = None) -> ssl.SSLContext:
        """What a client needs that trusts this CA."""
        context = ssl.create_default_context(cafile=str(self.file))
        if client:
            context.load_cert_chain(client.cert, client.key)
        return context
