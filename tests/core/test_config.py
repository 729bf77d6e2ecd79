"""Settings: defaults, overrides, every problem at once."""

from pathlib import Path

import pytest

from streamhub.config import Secret, Settings, parse_settings, read_secret, render_settings_file
from streamhub.errors import BadConfig, BadInput, Environment


def test_the_file_that_init_writes_means_the_defaults() -> None:
    """A fresh settings file changes nothing, and says what every setting is for."""
    text = render_settings_file(Settings())
    assert parse_settings(text, {}) == Settings()
    assert text.count("# port = 8420") == 1


def test_a_variable_wins_over_the_file() -> None:
    """What the environment says holds, whatever the file says."""
    settings = parse_settings("[hub]\nport = 1\n", {"STREAMHUB_HUB_PORT": "2", "STREAMHUB_LIVE_HLS": "no"})
    assert settings.hub.port == 2
    assert settings.live.hls is False


def test_every_problem_is_told_in_one_go() -> None:
    """Wrong sections, names, kinds, zones and ports are all in one message."""
    toml = '[hub]\nport = "x"\nzone = "Mars"\nnmae = "y"\n[nope]\na = 1\n[transcript]\nengine = "ears"\nbeam_size = 0\n'
    with pytest.raises(BadConfig) as caught:
        parse_settings(toml, {"STREAMHUB_LIVE_RTMP_PORT": "70000"})
    text = str(caught.value)
    for part in ("hub.port", "hub.zone", "hub.nmae", "[nope]", "transcript.engine", "beam_size", "rtmp_port"):
        assert part in text
    assert len(caught.value.problems) == 7


def test_what_is_no_toml_is_told_with_its_line() -> None:
    """A broken file names the place where it breaks."""
    with pytest.raises(BadConfig, match="line 2"):
        parse_settings("[hub]\nport =\n", {})


def test_a_secret_never_shows_itself() -> None:
    """A database address with a password appears in no representation of the settings, and in no complaint."""
    settings = parse_settings("", {"STREAMHUB_ENGINE_DATABASE_URL": "postgresql://u:canary@h/d"})
    assert settings.engine.database_url == "postgresql://u:canary@h/d"
    assert "canary" not in repr(settings)
    assert repr(Secret("x")) == "'…'"


@pytest.mark.parametrize(
    ("toml", "place"),
    [
        ('[mailbox]\nhost = "mail.firma.de"', "mailbox.user"),
        ('[mailbox]\nhost = "mail.firma.de"\nuser = "f"', "mailbox.password_file"),
        ('[mailbox]\nhost = "mail.firma.de"\nuser = "f"\npassword = "x"\nsecurity = "none"', "in the open"),
        ('[mailbox]\nsecurity = "ssl"', "mailbox.security"),
        ('[mailbox]\naddress = "fragen+x@firma.de"', "mailbox.address"),
        ("[mailbox]\nmax_mb = 0", "mailbox.max_mb"),
        ("[mail]\nreturn_address = 'x'", "mail.return_address"),
        ("[calendars]\nevery_minutes = 1", "calendars.every_minutes"),
        ('[mastodon]\ninstance = "social.firma.de"', "mastodon.instance"),
    ],
)
def test_wrong_sources_are_told(toml: str, place: str) -> None:
    """A mailbox or server that could not be read is told by the name of the setting, and no password is shown."""
    with pytest.raises(BadConfig) as caught:
        parse_settings(toml, {})
    assert place in str(caught.value)


def test_secrets_come_from_files(tmp_path: Path) -> None:
    """A secret's file wins over the setting, is relative to the workspace, and its secret is shown nowhere."""
    (tmp_path / "mail.txt").write_text("geheim\n")
    (tmp_path / "mail.txt").chmod(0o600)
    secret = read_secret(tmp_path, Secret("anders"), "mail.txt")
    assert (secret == "geheim", repr(secret)) == (True, "'…'")
    assert read_secret(tmp_path, Secret("anders"), "") == "anders"
    with pytest.raises(BadInput, match="fehlt"):
        read_secret(tmp_path, Secret(""), "fehlt.txt")
    assert "geheim" not in repr(parse_settings('[mailbox]\npassword = "geheim"', {}))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_secrets_that_others_can_read_are_refused(tmp_path: Path, mode: int) -> None:
    """A file with a secret that others can read or change is not used, and the message says what to do."""
    path = tmp_path / "mail.txt"
    path.write_text("geheim\n")
    path.chmod(mode)
    with pytest.raises(Environment, match="others can read it") as caught:
        read_secret(tmp_path, Secret(""), "mail.txt")
    assert caught.value.hint == f"run chmod 600 {path}"
    path.chmod(0o600)
    assert read_secret(tmp_path, Secret(""), "mail.txt") == "geheim"
