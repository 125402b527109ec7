"""Settings come from the right place, and a wrong one is told so that it can be mended."""

import re
from pathlib import Path

import pytest

from distill_core.config import home_path, load_settings
from distill_core.config.layers import ENVIRONMENT
from distill_core.config.template import TEMPLATE
from distill_core.errors import ConfigError

DOCS = Path(__file__).parents[3] / "docs" / "CONFIG.md"


@pytest.fixture
def load(tmp_path):
    def load(text="", flags=None, environ=None, dotenv=""):
        (tmp_path / "config.toml").write_text(text)
        if dotenv:
            (tmp_path / ".env").write_text(dotenv)
        return load_settings(flags, path=tmp_path / "config.toml", environ=environ or {}, folder=tmp_path)

    return load


def test_each_layer_goes_over_the_one_below_and_says_where_it_is_from(load, tmp_path):
    effective = load(
        'worker = "file"\nsupervisor = "file"\nbase_url = "http://file"\nhome = "file"',
        flags={"supervisor": "flag", "worker": None},
        environ={"SUPERVISOR_MODEL": "environment", "BASE_URL": "http://environment"},
        dotenv="BASE_URL=http://dotenv\nDISTILL_HOME=dotenv\n",
    )
    settings = effective.settings
    assert (settings.supervisor, settings.base_url) == ("flag", "http://environment")
    assert (settings.home, settings.worker) == ("dotenv", "file")
    assert effective.origin("supervisor") == "flag"
    assert effective.origin("base_url") == "environment"
    assert effective.origin("home") == ".env"
    assert effective.origin("worker") == str(tmp_path / "config.toml")
    assert effective.origin("limits.turns") == "default"


def test_the_defaults_are_the_published_ones(load):
    settings = load().settings
    assert settings.supervisor == "meta-llama/Llama-3.3-70B-Instruct-Turbo"
    assert settings.worker == "meta-llama/Llama-3.1-8B-Instruct-Turbo"
    assert settings.base_url == "https://api.together.xyz/v1"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[limits]\nturns = "a"', r"limits.turns is wrong: 'a' \(give a whole number\)"),
        ("[limit]\nturns = 3", r"there is no setting limit \(did you mean limits\?\)"),
        ("[limits]\nturn = 3", r"there is no setting limits.turn \(did you mean turns\?\)"),
        (
            '[models.a]\nprovider = "opnai"',
            r"models.a.provider is wrong: 'opnai' \(allowed are embedded, openai,",
        ),
        ('[models."a.b"]\nmodle = "x"', r"there is no setting models.a.b.modle \(did you mean model\?\)"),
        (
            '[session]\napprove = "never"',
            r"session.approve is wrong: 'never' \(allowed are ask, auto, cheap, on-error",
        ),
        ("zzz = 1", r"there is no setting zzz \(known are supervisor, worker,"),
        ('supervisor = ""', r"config.toml: supervisor is empty \(name one, or leave it out\)"),
        ("models = 3", r"models is wrong: 3"),
        ('[keys]\ndecide = "y"', r"keys.decide is wrong: 'y' \(an action has two parts, as decide.approve"),
        ('[keys.decide]\nreject = "q"\napprove = [3]', r"keys.decide.approve is wrong: \[3\]"),
        ("x = [", "cannot read the configuration file"),
    ],
)
def test_a_wrong_setting_names_file_key_found_and_allowed(load, tmp_path, text, told):
    with pytest.raises(ConfigError, match=told) as failure:
        load(text)
    assert "config.toml" in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_wrong_value_is_blamed_on_where_it_came_from(load):
    with pytest.raises(ConfigError, match=r"^flag: limits.turns"):
        load("[limits]\nturns = 3", flags={"limits.turns": "many"})


def test_an_action_may_be_named_by_its_id(load):
    assert load('[keys]\n"decide.approve" = "y"').settings.keys == {"decide": {"approve": "y"}}


def test_profile_names_may_hold_dots(load):
    settings = load(
        '[models."llama3.1"]\nmodel = "m"\n[models."llama3.1".engine]\ndtype = "float32"'
    ).settings
    assert settings.models["llama3.1"].engine == {"dtype": "float32"}


def test_a_file_that_was_named_must_be_there(tmp_path):
    with pytest.raises(ConfigError, match="no configuration file"):
        load_settings(path=tmp_path / "none.toml", environ={})


def test_the_template_is_right_once_its_comments_are_taken_off(load):
    text = "\n".join(line.removeprefix("# ") for line in TEMPLATE.splitlines() if "=" in line or "[" in line)
    settings = load(text).settings
    assert settings.models["big"].api_key_env == "TOGETHER_API_KEY"
    assert settings.limits.money == 5.0


def test_every_setting_is_documented(load):
    documented = set(re.findall(r"`([a-z_.]+)`", DOCS.read_text()))
    keys = {v.key for v in load('[models.a]\nmodel = "m"').values}
    missing = {key.removeprefix("models.a.") for key in keys} - documented
    assert missing == set()
    assert all(name in DOCS.read_text() for name in ENVIRONMENT)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[repl]\nframe_bytes = 10", r"repl.frame_bytes is wrong: 10 \(allowed is 4,096 or more\)"),
        ("[limits]\nturns = 0", r"limits.turns is wrong: 0 \(allowed is 1 or more\)"),
        ("[limits]\nmoney = -0.5", r"limits.money is wrong: -0.5 \(allowed is 0 or more\)"),
        ("[models.a]\nconcurrency = 0", r"models.a.concurrency is wrong: 0 \(allowed is 1 or more\)"),
        ("[annotation]\nbest = 1", r"annotation.best is wrong: 1 \(allowed is 2 to 9\)"),
        ("[annotation]\nbest = 10", r"annotation.best is wrong: 10 \(allowed is 2 to 9\)"),
    ],
)
def test_a_number_out_of_range_is_told(load, text, told):
    with pytest.raises(ConfigError, match=told):
        load(text)


def test_no_checkpoints_are_zero_checkpoints(load):
    assert load("[repl]\ncheckpoints = 0").settings.repl.checkpoints == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[session]\noutput_limit = 0", r"session.output_limit is wrong: 0 \(allowed is 1 or more\)"),
        ("[session]\nworker_ctx_k = 0", r"session.worker_ctx_k is wrong: 0 \(allowed is 1 or more\)"),
        ("[repl]\ncell_seconds = 0", r"repl.cell_seconds is wrong: 0.0 \(allowed is more than 0\)"),
        ("[repl]\nconcurrency = 0", r"repl.concurrency is wrong: 0 \(allowed is 1 or more\)"),
        ("[limits]\nmoney = nan", r"limits.money is wrong: nan \(allowed is 0 or more\)"),
        ("[limits]\nseconds = inf", r"limits.seconds is wrong: inf \(allowed is 0 or more\)"),
        ("[models.a]\ntimeout = 0", r"models.a.timeout is wrong: 0.0 \(allowed is more than 0\)"),
    ],
)
def test_a_number_that_a_session_would_choke_on_is_told_before(load, tmp_path, text, told):
    with pytest.raises(ConfigError, match=told) as failure:
        load(text)
    assert str(failure.value).startswith(str(tmp_path / "config.toml"))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ftp://h/v1", "its scheme is 'ftp'"),
        ("localhost:8000/v1", "no http:// in 'localhost:8000/v1'"),
        ("http:///v1", "it names no host"),
        ("http://h:port/v1", "port"),
        ("http://[h/v1", "IPv6"),
        ("http://h:0/v1", "its port is 0"),
    ],
)
@pytest.mark.parametrize("text", ['base_url = "{}"', '[models.a]\nbase_url = "{}"'])
def test_what_is_no_url_of_an_endpoint_is_refused(load, text, url, told):
    with pytest.raises(ConfigError, match=re.escape(told)):
        load(text.format(url))


@pytest.mark.parametrize("url", ["http://ann:s3cret@", "ftp://ann:s3cret@h/v1", "ann:s3cret@h"])
def test_a_refused_url_is_not_shown_with_what_may_be_a_key(load, url):
    with pytest.raises(ConfigError) as refused:
        load(f'base_url = "{url}"')
    assert "s3cret" not in str(refused.value)


def test_a_key_in_the_place_of_its_variables_name_is_refused_and_not_shown(load):
    with pytest.raises(ConfigError, match="is no name of an environment variable") as refused:
        load('[models.a]\napi_key_env = "sk-SECRET-12345"')
    assert "SECRET" not in str(refused.value)


def test_a_home_that_is_a_file_is_refused(load, tmp_path):
    (tmp_path / "home").write_text("")
    with pytest.raises(ConfigError, match=r"home is no folder: a file \(name a folder"):
        home_path(load(flags={"home": str(tmp_path / "home")}).settings)
