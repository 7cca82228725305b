"""Signing in to Redshift: verified TLS against a real server, temporary passwords, and why a connect fails."""

import select
import shutil
import socket
import struct
import subprocess
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import psycopg2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra import create_cluster, open_incoming_port, warehouse
from infra.aws import connection as aws_connection
from infra.aws.session import CA_BUNDLE
from infra.config import Settings, load_settings
from infra.errors import WarehouseError
from infra.local.binaries import identity_for
from infra.local.server import connection_info, start, stop
from tests.fixtures.aws import config_text, free_port
from tests.fixtures.serverless_fake import MARKED, ServerlessFake, error

HOST = "dwhcluster.abc.us-west-2.redshift.amazonaws.com"


def tls_binaries() -> Path | None:
    """The folder of a PostgreSQL that is built with TLS, as Debian's is; None: there is none."""
    found = shutil.which("postgres")
    folders = [Path(found).parent] if found else []
    folders += [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/opt/homebrew/opt").glob("postgresql@*/bin")]
    for folder in folders:
        if (folder / "pg_config").exists() and (folder / "initdb").exists():
            built = subprocess.run([folder / "pg_config", "--configure"], capture_output=True, text=True, check=False)
            if "openssl" in built.stdout:
                return folder
    return None


def certificate(folder: Path, name: str) -> None:
    """Write a self-signed certificate for a host name, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), datetime.now(timezone.utc)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "server.crt").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.key").write_bytes(text)
    (folder / "server.key").chmod(0o600)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A PostgreSQL on loopback with a self-signed certificate for `localhost`: its port and that certificate."""
    binaries = tls_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL built with TLS here (Debian: apt-get install postgresql)")
    base = tmp_path_factory.mktemp("tls")
    prefix, other_user = identity_for(base)  # PostgreSQL refuses to run as root
    if other_user:
        pytest.skip("PostgreSQL does not run as root, and unshare cannot make us someone else")
    data, port = base / "data", free_port()
    (base / "password").write_text(MARKED["PASSWORD"])
    make = [binaries / "initdb", "-D", data, "-U", "dwhuser", "--auth=scram-sha-256", "--no-sync", "-E", "UTF8"]
    subprocess.run([*prefix, *make, f"--pwfile={base / 'password'}"], check=True, capture_output=True)
    certificate(data, "localhost")
    settings = {
        "ssl": "on",
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "fsync": "off",
    }
    options = [each for key, value in settings.items() for each in ("-c", f"{key}={value}")]
    with subprocess.Popen([*prefix, binaries / "postgres", "-D", data, *options], stderr=subprocess.DEVNULL) as process:
        for _ in range(100):
            try:
                psycopg2.connect(host="127.0.0.1", port=port, user="x", password="x", connect_timeout=2)
            except psycopg2.OperationalError as problem:
                if "authentication failed" in str(problem):
                    break
                time.sleep(0.1)
        yield SimpleNamespace(port=port, root=data / "server.crt")
        process.terminate()


def settings_for(path: Path, **changes) -> Settings:
    """The settings of a file, with its HOST and ARN filled in, and changed."""
    text = path.read_text().replace("HOST=''", f"HOST={HOST}").replace("ARN=", "ARN=arn:aws:iam::123456789012:role/r")
    path.write_text(text)
    return replace(load_settings(path), **changes)


def test_tls_is_verified(server, aws_config):
    """With the right root and name it connects; with another root, or another name, it refuses."""
    right = settings_for(
        aws_config, host="localhost", port=server.port, dbname="postgres", sslrootcert=str(server.root)
    )
    with closing(warehouse.connect(right)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT ssl, application_name FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE pid = %s",
            (connection.info.backend_pid,),
        )
        assert cursor.fetchone() == (True, "sparkify")
        given = connection.info.dsn_parameters
    assert (given["sslmode"], given["connect_timeout"], given["keepalives"]) == ("verify-full", "10", "1")
    for wrong, said in (
        (replace(right, sslrootcert=""), "certificate verify failed"),
        (replace(right, host="127.0.0.1"), 'does not match host name "127.0.0.1"'),
        (replace(right, sslrootcert=str(aws_config)), "could not read root certificate file"),
    ):
        with pytest.raises(WarehouseError, match="TLS: the server has not proven") as caught:
            warehouse.connect(wrong)
        assert said in str(caught.value)


def test_a_tunnel_leads_elsewhere_and_the_name_is_verified_all_the_same(server, aws_config, monkeypatch):
    """PGHOSTADDR, as infra/README.md has it: HOST is not looked up, but the certificate must be HOST's."""
    monkeypatch.setenv("PGHOSTADDR", "127.0.0.1")
    right = settings_for(
        aws_config, host="localhost", port=server.port, dbname="postgres", sslrootcert=str(server.root)
    )
    with closing(warehouse.connect(right)) as connection:
        assert connection.info.dsn_parameters["hostaddr"] == "127.0.0.1"
    elsewhere = replace(right, host="sparkify.abc.us-west-2.redshift.example")  # a name that nobody resolves
    with pytest.raises(WarehouseError, match='server certificate for "localhost" does not match host name "sparkify'):
        warehouse.connect(elsewhere)


def test_wrong_password_and_database(server, aws_config):
    """The two are told apart, and the password is not in the message."""
    right = settings_for(
        aws_config, host="localhost", port=server.port, dbname="postgres", sslrootcert=str(server.root)
    )
    with pytest.raises(WarehouseError, match="user or password is wrong") as caught:
        aws_connection.connect(replace(right, password="An0therPassword"))
    assert "An0therPassword" not in str(caught.value) and caught.value.__suppress_context__
    with pytest.raises(WarehouseError, match="there is no such database"):
        aws_connection.connect(replace(right, dbname="nowhere"))


def test_port_is_proven_by_connecting(server, moto, wire, aws_config, capsys, monkeypatch):
    """open_incoming_port connects with what dwh.cfg says, and shows the server's version."""
    assert create_cluster.main(["--config", str(aws_config)]) == 0
    text = (
        aws_config.read_text()
        .replace(load_settings(aws_config).host, "localhost")
        .replace("DB_NAME=dwh", "DB_NAME=postgres")
    )
    aws_config.write_text(text.replace("DB_PORT=5439", f"DB_PORT=5439\nSSLROOTCERT={server.root}"))
    real = psycopg2.connect
    monkeypatch.setattr(aws_connection.psycopg2, "connect", lambda **given: real(**given | {"port": server.port}))
    assert open_incoming_port.main(["--config", str(aws_config), "--cidr", "127.0.0.1"]) == 0
    assert "Connected: PostgreSQL" in capsys.readouterr().out


def test_nothing_answers(aws_config):
    """A port that nobody listens on, at a host that is no endpoint of AWS, has its sentence."""
    with pytest.raises(WarehouseError, match="nothing answers there"):
        aws_connection.connect(settings_for(aws_config, host="localhost", port=free_port(), dbname="x"))


class Tap:
    """A port on loopback that passes all on to another one, and keeps what the client has sent."""

    def __init__(self, port: int):
        """Listen, and pass on to this port."""
        self.target, self.sent = port, b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run)

    def __enter__(self) -> "Tap":
        """Begin."""
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        """End: a connection that sends nothing wakes the listener."""
        self.target = 0
        socket.create_connection(("127.0.0.1", self.port)).close()
        self.thread.join()
        self.listener.close()

    def run(self) -> None:
        """Serve one connection after the other."""
        while True:
            client, _ = self.listener.accept()
            with client:
                if not self.target:
                    return
                with socket.create_connection(("127.0.0.1", self.target)) as server:
                    self.pass_on(client, server)

    def pass_on(self, client: socket.socket, server: socket.socket) -> None:
        """Pass bytes on, both ways, until one side ends."""
        while True:
            for source in select.select([client, server], [], [])[0]:
                data = source.recv(65536)
                if not data:
                    return
                self.sent += data if source is client else b""
                (server if source is client else client).sendall(data)


@pytest.fixture(scope="module")
def server_without_tls(tmp_path_factory) -> dict:
    """The embedded PostgreSQL, which is built without TLS: how to sign in to it."""
    directory = tmp_path_factory.mktemp("plain")
    start(directory)
    yield connection_info(directory)
    stop(directory)


def test_no_tls_no_connection(aws_config, server_without_tls):
    """A PostgreSQL that speaks no TLS is refused, and no more is sent to it than the question whether it does."""
    right = dict(server_without_tls, dbname="postgres")
    with Tap(right["port"]) as tap:
        settings = settings_for(aws_config, **right | {"host": "localhost", "port": tap.port})
        with pytest.raises(WarehouseError, match="TLS: the server speaks none, so nothing was sent to it"):
            warehouse.connect(settings)
        assert tap.sent == struct.pack("!ii", 8, 80877103)  # PostgreSQL's SSLRequest
        with closing(psycopg2.connect(**right | {"port": tap.port})):  # it is TLS alone that was missing
            assert b"sparkify" in tap.sent


def test_temporary_password(moto, wire, aws_config, monkeypatch):
    """Without a password AWS is asked for one, for the cluster that HOST names, and it is used."""
    aws_config.write_text(config_text(password=""))
    assert create_cluster.main(["--config", str(aws_config), "--manage-password"]) == 0
    given = {}
    monkeypatch.setattr(
        aws_connection.psycopg2, "connect", lambda **parameters: given.update(parameters) or "connected"
    )
    assert aws_connection.connect(load_settings(aws_config)) == "connected"
    assert given["user"] == "IAM:dwhuser" and len(given["password"]) == 32 and given["sslmode"] == "verify-full"
    assert given["sslrootcert"] == str(CA_BUNDLE)
    assert (wire.params["ClusterIdentifier"], wire.params["DurationSeconds"]) == ("dwhcluster", 900)
    with pytest.raises(WarehouseError, match="There is no cluster gone: run create_cluster.py"):
        aws_connection.connect(replace(load_settings(aws_config), host=HOST.replace("dwhcluster", "gone")))
    with pytest.raises(WarehouseError, match="HOST is no Redshift endpoint"):
        aws_connection.connect(replace(load_settings(aws_config), host="db.example.com"))
    wire.fakes["redshift"] = lambda *_: error("ExpiredToken", MARKED["TOKEN"])
    with pytest.raises(WarehouseError, match="No temporary password for dwhuser: .*renew them") as caught:
        aws_connection.connect(load_settings(aws_config))
    assert MARKED["TOKEN"] not in str(caught.value)


def test_temporary_password_of_serverless(wire, aws_config, monkeypatch):
    """A serverless endpoint is asked through its own service."""
    wire.fakes["redshift-serverless"] = ServerlessFake()
    aws_config.write_text(config_text(password=""))
    host = "work.123456789012.eu-west-1.redshift-serverless.amazonaws.com"
    user, password = aws_connection.temporary_credentials(settings_for(aws_config, host=host))
    assert (user, password) == ("IAMR:someone", MARKED["PASSWORD"])
    assert wire.params["workgroupName"] == "work"


CLUSTER = {
    "ClusterStatus": "available",
    "NumberOfNodes": 1,
    "NodeType": "ra3.large",
    "PubliclyAccessible": True,
    "Endpoint": {"Address": HOST, "Port": 5439},
}
GROUP = {"GroupId": "sg-1", "IpPermissions": []}
OPEN = {"FromPort": 5439, "ToPort": 5439, "IpProtocol": "tcp", "IpRanges": [{"CidrIp": "203.0.113.7/32"}]}


INSIDE = "timeout expired (10.0.3.7)"


@pytest.mark.parametrize(
    ("change", "group", "text", "said"),
    [
        (
            {"ClusterStatus": "paused"},
            GROUP,
            "timeout expired",
            "the cluster is paused; run cluster_status.py --resume",
        ),
        (
            {"ClusterStatus": "creating"},
            GROUP,
            "timeout expired",
            "the cluster is creating; run cluster_status.py --wait",
        ),
        (None, GROUP, "could not translate host name", "the cluster dwhcluster is gone; run create_cluster.py"),
        ({"PubliclyAccessible": False}, GROUP, "timeout expired", "it is not public"),
        ({"Endpoint": {"Port": 5440}}, GROUP, "Connection refused", "listens on port 5440; correct"),
        ({}, GROUP, "timeout expired", "its port is closed to everyone; run open_incoming_port.py"),
        ({}, GROUP | {"IpPermissions": [OPEN]}, "timeout expired", "is open to 203.0.113.7/32 and probably not to you"),
        ({}, GROUP, "could not translate host name", "not known to your name server yet"),
        ({}, GROUP, "No route to host", "its port is closed to everyone"),
        (
            {"PubliclyAccessible": False},
            GROUP,
            INSIDE,
            "leads you to 10.0.3.7, its private address inside the VPC, and its",
        ),
        ({}, GROUP, INSIDE, "port is closed to everyone; let your own private address in"),
        ("AccessDenied", GROUP, "timeout expired", "paused or gone, its port is closed"),
    ],
)
def test_why_nothing_answers(wire, aws_config, monkeypatch, change, group, text, said):
    """AWS is asked which of the usual causes it is; who may not ask is told all of them."""

    def redshift_says(name, params):
        """The cluster, none, or a refusal."""
        if change is None:
            return error("ClusterNotFound")
        return error(change) if isinstance(change, str) else {"Clusters": [CLUSTER | change]}

    wire.fakes = {"redshift": redshift_says, "ec2": lambda *_: {"SecurityGroups": [group]}}

    def connect(**_):
        """Fail as libpq does."""
        raise psycopg2.OperationalError(f'connection to server at "{HOST}", port 5439 failed: {text}\n')

    monkeypatch.setattr(aws_connection.psycopg2, "connect", connect)
    with pytest.raises(WarehouseError, match="^No connection to dwhcluster.abc") as caught:
        aws_connection.connect(settings_for(aws_config))
    assert said in str(caught.value) and str(caught.value).count("\n") == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FATAL:  connection limit exceeded for user dwhuser", "the server says: connection limit exceeded for user"),
        ("FATAL:  cluster is in maintenance mode", "the server says: cluster is in maintenance mode"),
        ("authentication method 13 not supported", "a kind of password that libpq does not know: give the user"),
        ("SSL SYSCALL error: EOF detected", "the connection broke off, as it does when a cluster restarts"),
        ("server closed the connection unexpectedly", "the connection broke off"),
        ("SSL error: certificate verify failed", "TLS: the server has not proven to be this host"),
        ('FATAL:  password authentication failed for user "dwhuser"', "user or password is wrong"),
        ('FATAL:  database "dwh" does not exist', "there is no such database"),
    ],
)
def test_an_answer_is_not_a_closed_port(wire, aws_config, monkeypatch, text, said):
    """What the server or libpq says itself comes through, and AWS is not asked about ports."""

    def connect(**_):
        """Fail as libpq does."""
        raise psycopg2.OperationalError(f'connection to server at "{HOST}" (52.1.2.3), port 5439 failed: {text}\n')

    monkeypatch.setattr(aws_connection.psycopg2, "connect", connect)
    with pytest.raises(WarehouseError) as caught:
        aws_connection.connect(settings_for(aws_config))
    assert said in str(caught.value)
    assert wire.actions == []
