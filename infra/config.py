"""Read dwh.cfg into typed settings; every fault is one sentence that names file, section and key.

A dwh.cfg written for the course works as it is: values may be quoted, sections and keys are the usual ones
(CLUSTER, IAM_ROLE, S3, AWS, DWH). `dwh.cfg.example` describes each of them. Without a dwh.cfg the settings mean the
embedded warehouse with simulated data.
"""

import configparser
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NoReturn

from infra.errors import ConfigError
from infra.progress import notice

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_PATH = ROOT / "dwh.cfg"
DEFAULT_REGION = "us-west-2"  # where the course keeps its bucket
COURSE_BUCKET = "udacity-dend"
EMBEDDED_ROLE = "arn:aws:iam::000000000000:role/embedded"  # a COPY needs a role; the embedded one signs in as you
PASSWORD_KEYS = (("CLUSTER", "DB_PASSWORD"), ("DWH", "DWH_DB_PASSWORD"))
PASSWORD_VARIABLE = "DWH_DB_PASSWORD"  # the environment's, for those who keep it out of the file
SECRET_KEYS = (*PASSWORD_KEYS, ("AWS", "SECRET"), ("AWS", "SESSION_TOKEN"))
S3_KEYS = ("LOG_DATA", "LOG_JSONPATH", "SONG_DATA")

Sections = dict[str, dict[str, str]]

_warned: set[Path] = set()  # the files of which a warning was printed


@dataclass(frozen=True, repr=False)
class AwsKeys:
    """[AWS]: keys of the file's own, each "" if it is not given. All of them are secrets."""

    key: str = ""
    secret: str = ""
    session_token: str = ""


@dataclass(frozen=True)
class Settings:
    """What dwh.cfg says. Secrets are kept out of `repr`."""

    path: Path | None  # the file read; None: built-in defaults
    host: str  # "" means the embedded warehouse, which takes no notice of the next four
    port: int
    dbname: str  # "": not given
    user: str  # "": not given
    password: str = field(repr=False)  # "": not given
    role_arn: str
    region: str  # of the S3 buckets: [S3] REGION, else the course's; infra.warehouse.source_region asks S3
    cluster_region: str  # where a cluster is made
    log_data: str  # s3://bucket/prefix/ or an absolute local path; a folder ends with a separator
    log_jsonpath: str
    song_data: str
    local_path: Path  # where the embedded warehouse keeps its files
    simulated: bool  # True: the data are simulated below local_path
    aws: AwsKeys = field(repr=False)
    dwh: Mapping[str, str] = field(repr=False)  # [DWH], which infra/aws/cluster_spec.py reads: the cluster to make
    region_given: bool = False  # whether the file has [S3] REGION
    work: str = ""  # where a load on a cluster writes for its COPYs: s3://bucket/prefix/, "" for nowhere
    sslrootcert: str = ""  # a file of certificates to trust instead of the public roots; "" is right for AWS

    @property
    def embedded(self) -> bool:
        """Whether these settings mean the embedded warehouse."""
        return not self.host

    @property
    def shared(self) -> bool:
        """Whether rows there may be others' or cost money to load again, so that a script asks before it drops them."""
        return not self.embedded

    @property
    def name(self) -> str:
        """Which warehouse and data, without a path: for pages that are handed on."""
        if not self.embedded:
            return f"Amazon Redshift at {self.host}"
        return f"the embedded warehouse with {'simulated data' if self.simulated else 'data of your own'}"

    def describe(self) -> str:
        """What a script prints first: which warehouse and which data, and in a second line how to change that."""
        if not self.embedded:
            return f"Amazon Redshift at {self.host}:{self.port}/{self.dbname}, as {self.path} says."
        data = "simulated data" if self.simulated else f"data from {self.log_data} and {self.song_data}"
        how = f"set [CLUSTER] HOST in {self.path}" if self.path else "copy dwh.cfg.example to dwh.cfg and fill it in"
        return f"Embedded warehouse in {self.local_path} with {data}.\nTo use Amazon Redshift, {how}."


def load_settings(path: str | Path | None = None) -> Settings:
    """Settings from `path`, or from the dwh.cfg beside the scripts, or (where there is none) the built-in defaults.

    Raises ConfigError for a file that cannot be read and for every missing or wrong value.
    """
    if path is None and not DEFAULT_PATH.exists():
        return _settings(None, {})
    try:
        file = Path(path or DEFAULT_PATH).expanduser().absolute()
    except RuntimeError:
        raise ConfigError(f"{path} names the home folder of a user that is not on this machine.") from None
    sections = read_sections(file)
    settings = _settings(file, sections)
    _warn_of_readers(file, sections)
    return settings


def _warn_of_readers(file: Path, sections: Sections) -> None:
    """Say so, once, if others on this machine may read the secrets of the file. Windows has no such mode."""
    if file not in _warned and os.name == "posix" and _get(sections, *SECRET_KEYS) and file.stat().st_mode & 0o044:
        _warned.add(file)
        name = shlex.quote(str(file))
        notice(f"{file} holds passwords or keys, and others on this machine may read it: run chmod 600 {name}")


class _Parser(configparser.ConfigParser):
    """Keys in upper case; a percent sign is a percent sign."""

    def optionxform(self, optionstr: str) -> str:
        """The name of a key."""
        return optionstr.upper()


def read_sections(file: Path) -> Sections:
    """The file's sections; section names upper case, keys upper case, one pair of quotes round a value taken off."""
    parser = _Parser(interpolation=None)
    try:
        if file.exists() and not file.is_file():
            raise ConfigError(f"{file} is no file: name the dwh.cfg itself.")  # a pipe, say, would be waited for
        text = file.read_text(encoding="utf-8-sig")
        parser.read_string(text, source=str(file))
    except FileNotFoundError:
        raise ConfigError(f"{file} does not exist: copy dwh.cfg.example there and fill it in.") from None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 text (byte {error.start}): save it as UTF-8.") from None
    except ValueError:
        raise ConfigError(f"{str(file)!r} cannot be the name of a file.") from None
    except configparser.MissingSectionHeaderError as error:
        raise ConfigError(f"{file}, line {error.lineno}: a [SECTION] must come before the first key.") from None
    except configparser.DuplicateOptionError as error:
        raise ConfigError(f"{file}, line {error.lineno}: [{error.section}] {error.option} is there twice.") from None
    except configparser.DuplicateSectionError as error:
        raise ConfigError(f"{file}, line {error.lineno}: section [{error.section}] is there twice.") from None
    except configparser.ParsingError as error:
        lines = ", ".join(str(number) for number, _ in error.errors)
        raise ConfigError(f"{file}, line {lines}: expected KEY = value.") from None
    sections: Sections = {}
    for name in parser.sections():
        known = name.strip().upper()
        if known in sections:
            raise ConfigError(f"{file}: [{name}] and [{known}] are the same section here: make them one.")
        sections[known] = {key: _unquote(value) for key, value in parser[name].items()}
    return sections


def _unquote(value: str) -> str:
    """`value` without white space around it and without one pair of quotes."""
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1].strip()
    return value


def _get(sections: Sections, *places: tuple[str, str], default: str = "") -> str:
    """The first of (section, key) `places` that holds a value."""
    return next((value for section, key in places if (value := sections.get(section, {}).get(key))), default)


def _get_line(file: Path | None, sections: Sections, *places: tuple[str, str], default: str = "") -> str:
    """The same; a ConfigError for a value with a control character, such as one that goes on in the next line."""
    for section, key in places:
        value = _get(sections, (section, key))
        if re.search("[\x00-\x1f\x7f]", value):
            fail(file, section, key, f"is {value[:80]!r}: write it in one line, without control characters.")
    return _get(sections, *places, default=default)


def require(file: Path | None, section: str, key: str, value: str) -> str:
    """`value`, or a ConfigError that says that this key has none."""
    return value or fail(file, section, key, "is missing: give it a value.")


def _settings(file: Path | None, sections: Sections) -> Settings:
    """Check the values of `sections` and put them into Settings."""
    get = partial(_get_line, file, sections)
    base = file.parent if file else ROOT
    local_path = _path(file, "LOCAL", "PATH", get(("LOCAL", "PATH"), default=_default_place(file)), base)
    host = get(("CLUSTER", "HOST"))
    if host and not re.fullmatch(r"[A-Za-z0-9._-]+", host):
        fail(file, "CLUSTER", "HOST", "is to be the host name alone, without port, database or scheme.")
    port = get(("CLUSTER", "DB_PORT"), ("DWH", "DWH_PORT"), default="5439")
    if not (re.fullmatch("[0-9]{1,5}", port) and 0 < int(port) < 65536):
        fail(file, "CLUSTER", "DB_PORT", f"is {port!r}: it must be a port number such as 5439.")
    dbname, user = get(("CLUSTER", "DB_NAME"), ("DWH", "DWH_DB")), get(("CLUSTER", "DB_USER"), ("DWH", "DWH_DB_USER"))
    role_arn = get(("IAM_ROLE", "ARN"))
    if host:
        require(file, "CLUSTER", "DB_NAME", dbname)
        require(file, "CLUSTER", "DB_USER", user)
        require(file, "IAM_ROLE", "ARN", role_arn)
    role_arn = role_arn or EMBEDDED_ROLE
    if not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+", role_arn):
        fail(file, "IAM_ROLE", "ARN", f"is {role_arn!r}: it must look like arn:aws:iam::123456789012:role/name.")
    sslrootcert = get(("CLUSTER", "SSLROOTCERT"))
    if sslrootcert:
        sslrootcert = str(_path(file, "CLUSTER", "SSLROOTCERT", sslrootcert, base))
    simulated = not host and not any(get(("S3", key)) for key in S3_KEYS)
    if simulated:
        data = local_path / "simulated"
        sources = [str(data / "log_data"), str(data / "log_json_path.json"), str(data / "song_data")]
    else:
        sources = [require(file, "S3", key, get(("S3", key))) for key in S3_KEYS]
    log_data, log_jsonpath, song_data = (
        _source(file, key, value, base, host) for key, value in zip(S3_KEYS, sources, strict=True)
    )
    if log_data.endswith(("/", os.sep)) and log_jsonpath.startswith(log_data):
        fail(file, "S3", "LOG_JSONPATH", "lies inside LOG_DATA, where COPY would read it as events: move it out.")
    return Settings(
        path=file,
        host=host,
        port=int(port),
        dbname=dbname,
        user=user,
        password=get(*PASSWORD_KEYS) or os.environ.get(PASSWORD_VARIABLE, ""),
        role_arn=role_arn,
        region=get(("S3", "REGION"), default=DEFAULT_REGION),
        cluster_region=get(("DWH", "DWH_REGION"), ("AWS", "REGION"), ("S3", "REGION"), default=DEFAULT_REGION),
        log_data=log_data,
        log_jsonpath=log_jsonpath,
        song_data=song_data,
        local_path=local_path,
        simulated=simulated,
        aws=AwsKeys(get(("AWS", "KEY")), get(("AWS", "SECRET")), get(("AWS", "SESSION_TOKEN"))),
        dwh=sections.get("DWH", {}),
        region_given=bool(get(("S3", "REGION"))),
        work=_source(file, "WORK", get(("S3", "WORK")), base, host),
        sslrootcert=sslrootcert,
    )


def _source(file: Path | None, key: str, value: str, base: Path, host: str) -> str:
    """An S3 URL or an absolute local path; folders end with a separator, so that no neighbour shares the prefix."""
    is_folder = key != "LOG_JSONPATH" and not (key == "SONG_DATA" and value.endswith(".manifest"))
    if not value or value.startswith("s3://"):  # only WORK may be missing
        if value and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+(/.*)?", value):
            fail(file, "S3", key, f"is {value!r}: it must look like s3://bucket/path.")
        if is_folder and re.search(r"\.(json|gz|bz2|lzo|zst)$", value):
            fail(file, "S3", key, f"is {value!r}: name the folder, not a file in it.")
        return value and (value.rstrip("/") + "/" if is_folder else value)
    if host:
        fail(file, "S3", key, f"is {value!r}: Redshift reads from S3, so it must start with s3://.")
    path = _path(file, "S3", key, value, base)
    return str(path) + os.sep if is_folder and not path.is_file() else str(path)


def _path(file: Path | None, section: str, key: str, value: str, base: Path) -> Path:
    """A path from the folder of dwh.cfg. Raises ConfigError for one that the system cannot look at."""
    try:
        path = base / Path(value).expanduser()
        path.is_file()
    except RuntimeError:
        fail(file, section, key, f"is {value!r}: there is no such user, whose home folder it could be.")
    except OSError as error:
        fail(file, section, key, f"is {value[:80]!r}: {error.strerror}.")
    return path


def _default_place(file: Path | None) -> str:
    """Where a dwh.cfg that does not say it has its embedded warehouse: no two files of a folder share one."""
    return ".local" if file is None or file.name == DEFAULT_PATH.name else f".local-{file.name.removesuffix('.cfg')}"


def fail(file: Path | None, section: str, key: str, problem: str) -> NoReturn:
    """Raise the ConfigError for one key."""
    raise ConfigError(f"{file}: [{section}] {key} {problem}")
