"""What stands between the user and AWS: expired sign-ins, clocks, regions, proxies; each has its sentence."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore import exceptions
from botocore.exceptions import ClientError

from infra import cluster_status, create_cluster
from infra.aws import session as aws_session
from infra.aws.client_errors import explain
from infra.config import load_settings
from infra.errors import ConfigError
from tests.fixtures.aws import config_text
from tests.fixtures.serverless_fake import MARKED, error

pytestmark = pytest.mark.long

STATUS = {"code": 200}


class Page(BaseHTTPRequestHandler):
    """Answer everything with a page of HTML, as a proxy or the sign-in page of a hotel does."""

    def do_POST(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers["content-length"]))
        page = b"<html><body>Please log in</body></html>"
        self.send_response(STATUS["code"])
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def proxy(monkeypatch) -> Iterator[None]:
    """A proxy between the scripts and AWS."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        yield
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("code", [200, 302, 403, 407])
@pytest.mark.parametrize("dwh", ["", "DWH_CLUSTER_TYPE=serverless"])
def test_a_page_of_a_proxy(proxy, aws_config, capsys, monkeypatch, code, dwh):
    """botocore takes such a page for an empty answer, or fails in its own code."""
    monkeypatch.setitem(STATUS, "code", code)
    aws_config.write_text(config_text(dwh))
    for main in (cluster_status.main, create_cluster.main):
        assert main(["--config", str(aws_config)]) == 1
        said = capsys.readouterr().err
        assert f"A web page came in place of AWS's answer (HTTP status {code})" in said and said.count("\n") == 1


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (exceptions.UnauthorizedSSOTokenError(), "sign in again with `aws sso login`"),
        (exceptions.SSOTokenLoadError(error_msg="gone"), "sign in again with `aws sso login`"),
        (exceptions.TokenRetrievalError(provider="sso", error_msg="expired"), "sign in again with `aws sso login`"),
        (exceptions.LoginRefreshRequired(), "sign in again with `aws login`"),
        (exceptions.EndpointConnectionError(endpoint_url="https://redshift.us-wset-2"), "is the region's name right?"),
    ],
)
def test_why_aws_was_not_asked(problem, said):
    assert said in explain(problem)


@pytest.mark.parametrize(
    ("code", "message", "said"),
    [
        ("RequestTimeTooSkewed", "", "This machine's clock is not AWS's"),
        ("SignatureDoesNotMatch", "Signature expired: 2026 is now earlier than 2027", "This machine's clock is not"),
        ("InvalidSignatureException", "Signature not yet current: 2027", "This machine's clock is not AWS's"),
        ("SignatureDoesNotMatch", "The request signature we calculated does not match", "renew them and run"),
        ("OptInRequired", "You are not subscribed to this service", "enable the region for your account"),
        ("UnrecognizedClientException", "invalid token", "renew them, or enable the region for your account"),
        ("ExpiredToken", "", "renew them and run this again"),
    ],
)
def test_what_aws_refuses(code, message, said):
    assert said in explain(ClientError(error(code, message), "DescribeClusters"))


def test_a_profile_goes_before_the_environment_s_key(aws_config, monkeypatch, tmp_path):
    """The course's KEY and SECRET may still stand in a shell; the file's own keys go before both."""
    files = {"AWS_CONFIG_FILE": "config", "AWS_SHARED_CREDENTIALS_FILE": "credentials"}
    for name, file in files.items():
        monkeypatch.setenv(name, str(tmp_path / file))
    (tmp_path / "credentials").write_text("[mine]\naws_access_key_id=PROFILE\naws_secret_access_key=x\n")
    monkeypatch.setenv("KEY", "ENVIRONMENT")
    monkeypatch.setenv("SECRET", "x")

    def key() -> str:
        """The key that the scripts use."""
        return aws_session.make_session(load_settings(aws_config)).get_credentials().access_key

    assert key() == MARKED["KEY"]
    text = aws_config.read_text()
    aws_config.write_text(text.replace(MARKED["KEY"], "").replace(MARKED["SECRET"], ""))
    assert key() == "ENVIRONMENT"
    monkeypatch.setenv("AWS_PROFILE", "mine")
    assert key() == "PROFILE"
    aws_config.write_text(text.replace(MARKED["SECRET"], ""))
    with pytest.raises(ConfigError, match=r"\[AWS\] SECRET is missing: give both, or neither"):
        key()
