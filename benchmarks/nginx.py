"""nginx on loopback, over http and https, as an ordinary user: a server that costs next to nothing."""

import datetime
import ipaddress
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from benchmarks.usage import cpu_seconds

LOOPBACK = "127.0.0.1"
PATIENCE_SECONDS = 10.0

# one process that is never another user, so that it can read what this user wrote
CONFIGURATION = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen {loopback}:{http}; listen {loopback}:{https} ssl; root {folder}/files;
    ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/key.pem;
  }}
}}
"""


class Nginx:
    """A running server.

    Attributes:
        hosts: its URL by scheme.
        certificate: of the https one, which vouches for itself.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", hosts: dict[str, str], certificate: Path) -> None:
        self.hosts = hosts
        self.certificate = certificate
        self._process = process
        self._cpu_before = 0.0

    def begin(self) -> None:
        """Count from now on."""
        self._cpu_before = cpu_seconds(self._process.pid)

    def figures(self) -> dict[str, Any]:
        """The CPU time since `begin`."""
        return {"server_cpu_seconds": cpu_seconds(self._process.pid) - self._cpu_before}


def find_nginx() -> str | None:
    """Where nginx is, or None: Debian puts it where only root looks."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def serve_files(folder: Path, command: str) -> Iterator[Nginx]:
    """Serve `folder/files`.

    Args:
        folder: everything of the server goes there.
        command: of nginx.

    Raises:
        RuntimeError: it does not answer.
    """
    ports = _free_ports(2)
    _make_certificate(folder)
    settings = {"folder": folder, "loopback": LOOPBACK, "http": ports[0], "https": ports[1]}
    (folder / "nginx.conf").write_text(CONFIGURATION.format(**settings))
    # errors before the configuration is read would go where only root may write
    start = [command, "-e", str(folder / "errors.log"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    process = subprocess.Popen(start)
    try:
        _wait_for(ports[0], process)
        hosts = {"http": f"http://{LOOPBACK}:{ports[0]}", "https": f"https://{LOOPBACK}:{ports[1]}"}
        yield Nginx(process, hosts, folder / "certificate.pem")
    finally:
        process.terminate()
        process.wait()


def _free_ports(count: int) -> list[int]:
    bound = [socket.create_server((LOOPBACK, 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in bound]
    for one in bound:
        one.close()
    return ports


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("nginx does not answer")


def _make_certificate(folder: Path) -> None:
    """Write key.pem and certificate.pem, good for a day on loopback."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "benchmarks")])
    now = datetime.datetime.now(datetime.UTC)
    addresses = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(addresses, critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(secret)
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
