"""A provider is added by adding one file."""

import sys

import pytest

from distill_core.config import choose_models, load_settings
from distill_core.config import providers as folder
from distill_core.config.providing import names, provider
from distill_core.errors import ConfigError
from tui.cli.commands.models import command

ECHO = '''
"""A model that repeats what it is told."""

from distill_core.config.providing import Finding, Provider
from distill_core.models.base import LMResponse, ModelHandler


class Echo(ModelHandler):
    model = "echo"

    def chat(self, messages, **kwargs):
        return LMResponse(text=messages[-1]["content"], model="echo")

    def chat_batch(self, message_batches, **kwargs):
        return [self.chat(messages) for messages in message_batches]


PROVIDER = Provider(
    about="repeats",
    open=lambda choice, opened: Echo(),
    look=lambda choice, live: [Finding("check", "it repeats")],
    unused=("seed",),
)
'''


@pytest.fixture
def drawer(tmp_path, monkeypatch):
    """A folder that the package looks into beside its own."""
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path / "more")])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "more").mkdir()
    before = set(sys.modules)
    yield tmp_path / "more"
    for name in set(sys.modules) - before:
        if name.startswith(folder.__name__):
            del sys.modules[name]
            delattr(folder, name.rpartition(".")[2])


def settings(tmp_path, text):
    (tmp_path / "c.toml").write_text(text)
    return load_settings(path=tmp_path / "c.toml", folder=tmp_path)


def test_one_file_is_configured_opened_and_shown(drawer, tmp_path, capsys):
    assert "echo" not in names()
    (drawer / "echo.py").write_text(ECHO)
    effective = settings(tmp_path, 'worker = "echo"\nsupervisor = "mine"\n[models.mine]\nprovider = "echo"\n')
    models = choose_models(effective)
    assert models.worker.chat([{"role": "user", "content": "so"}]).text == "so"
    assert models.supervisor.model == "echo"
    command.main(["--config", str(tmp_path / "c.toml")], standalone_mode=False)
    assert capsys.readouterr().out.count("check     it repeats") == 2


def test_what_it_does_not_use_is_refused(drawer, tmp_path):
    (drawer / "echo.py").write_text(ECHO)
    text = 'worker = "mine"\n[models.mine]\nprovider = "echo"\nseed = 3\n'
    with pytest.raises(ConfigError, match=r"models\.mine\.seed means nothing to provider echo"):
        choose_models(settings(tmp_path, text))


def test_a_file_without_a_provider_is_an_error_that_names_it(drawer):
    (drawer / "empty_one.py").write_text("")
    with pytest.raises(ConfigError, match=r"empty_one\.py has no PROVIDER"):
        provider("empty_one")
