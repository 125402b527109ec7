"""Who plays which role, and that nothing weaker is passed off as a model."""

from pathlib import Path

import pytest

from distill_core.config import choose_models, load_settings, models_with
from distill_core.config import roles as roles_module
from distill_core.config.roles import choices, parameters
from distill_core.errors import ConfigError
from distill_core.models import weights


@pytest.fixture
def effective(tmp_path, monkeypatch):
    for name in ("TOGETHER_API_KEY", "OPENAI_API_KEY", "BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def make(text="", **environ):
        (tmp_path / "c.toml").write_text(text)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        return load_settings(path=tmp_path / "c.toml", folder=tmp_path)

    return make


def providers(chosen):
    return chosen["supervisor"].profile.provider, chosen["worker"].profile.provider


def test_with_a_key_the_defaults_are_taken(effective):
    chosen = choices(effective(TOGETHER_API_KEY="k" * 20))
    assert providers(chosen) == ("openai", "openai")
    assert "70B" in chosen["supervisor"].profile.model


def test_a_worker_without_a_supervisor_gets_the_playbook(effective):
    chosen = choices(effective('worker = "small"\nbase_url = "http://127.0.0.1:1/v1"'))
    assert providers(chosen) == ("playbook", "openai")


def test_without_anything_the_embedded_model_is_taken_if_it_is_there(effective, monkeypatch, tmp_path):
    monkeypatch.setattr(roles_module.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(weights, "find", lambda name: tmp_path)
    chosen = choices(effective())
    assert providers(chosen) == ("embedded", "embedded")
    assert "embedded model is installed" in chosen["worker"].why


def test_without_weights_it_says_how_to_get_them(effective, monkeypatch):
    monkeypatch.setattr(roles_module.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(weights, "find", lambda name: None)
    ways = r"set TOGETHER_API_KEY, .* --base-url .* --gguf, .* distill-tui models pull"
    with pytest.raises(ConfigError, match=ways):
        choices(effective())


def test_without_a_runtime_it_offers_the_ways(effective, monkeypatch):
    monkeypatch.setattr(roles_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"set TOGETHER_API_KEY, .* --base-url .* models pull"):
        choices(effective())


def test_the_playbook_is_no_worker(effective):
    with pytest.raises(ConfigError, match="the playbook cannot be the worker"):
        choices(effective('worker = "playbook"'))


def test_a_profile_inherits_the_endpoint(effective):
    chosen = choices(
        effective(
            'supervisor = "a"\nworker = "b"\nbase_url = "http://h/v1"\n[models.a]\nmodel = "x"\n'
            '[models.b]\nmodel = "y"\nbase_url = "http://other/v1"'
        )
    )
    assert chosen["supervisor"].profile.base_url == "http://h/v1"
    assert chosen["worker"].profile.base_url == "http://other/v1"


@pytest.mark.parametrize(
    ("named", "told"),
    [("bgi-one", "no profile is called 'bgi-one' ('big-one' is one)"), ("big-one", None), ("llama", None)],
)
def test_a_name_that_is_nearly_a_profile_s_is_told(effective, named, told):
    models = choose_models(
        effective(
            f'supervisor = "{named}"\nworker = "small"\nbase_url = "http://127.0.0.1:1/v1"\n'
            '[models.big-one]\nmodel = "x"'
        )
    )
    models.close()
    assert [note.partition(":")[0] for note in models.notes] == ([told] if told else [])


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", 7e9),
        ("meta-llama/Llama-3.3-70B-Instruct-Turbo", 70e9),
        ("qwen2.5-coder-1.5b", 1.5e9),
        ("SmolLM2-135M", 135e6),
        ("gpt-5", None),
    ],
)
def test_the_size_is_read_from_the_name(model, size):
    assert parameters(model) == size


@pytest.mark.parametrize(
    ("flags", "options", "both"),
    [
        ({"supervisor": "big"}, {"playbook": True}, "--playbook and --supervisor"),
        ({"worker": "small"}, {"gguf": Path("m.gguf")}, "--gguf and --worker"),
    ],
)
def test_two_flags_for_one_role_are_refused(effective, tmp_path, flags, options, both):
    effective()
    with pytest.raises(ConfigError, match=both):
        choices(load_settings(flags, path=tmp_path / "c.toml", folder=tmp_path), **options)


def test_a_key_that_the_endpoint_wants_is_missed_before_the_session_starts(effective):
    settings = effective('worker = "small"')
    with pytest.raises(
        ConfigError, match=r"the worker small at api\.together\.xyz needs a key: TOGETHER_API_KEY"
    ):
        choose_models(settings)


REMOTE = 'base_url = "http://models.example/v1"\nworker = "small"\n'


def test_money_is_not_bounded_where_a_price_is_missing(effective):
    with pytest.raises(
        ConfigError, match=r"limits.money \(.*\) cannot be kept: no price .* the worker small"
    ):
        choose_models(effective(REMOTE + "[limits]\nmoney = 1.0"))


@pytest.mark.parametrize(
    "text",
    [
        REMOTE.replace('"small"', '"p"') + '[models.p]\nmodel = "m"\nprice_prompt = 0.2\n',
        'base_url = "http://127.0.0.1:9/v1"\nworker = "small"\n',
    ],
    ids=["priced", "this machine"],
)
def test_money_is_bounded_where_prices_are_known_or_nothing_is_paid(effective, text):
    choose_models(effective(text + "[limits]\nmoney = 1.0")).close()


HERE = 'base_url = "http://127.0.0.1:9/v1"\nsupervisor = "big"\nworker = "small"\n'


def test_one_role_is_given_another_model_and_the_other_is_let_be(effective):
    models = choose_models(effective(HERE))
    changed = models_with(
        models, effective(HERE + '[models.small]\nmodel = "tiny"\ncontext_k = 4\n'), ["worker"]
    )
    assert (changed.supervisor, changed.worker.model, changed.worker_ctx_k) == (models.supervisor, "tiny", 4)
    changed.close()
    models.close()


def test_a_bound_on_money_needs_the_price_of_a_model_that_stays_too(effective):
    models = choose_models(effective(REMOTE, TOGETHER_API_KEY="k" * 20))
    assert models.unpriced == ("worker",)
    with pytest.raises(ConfigError, match="no price is known for the worker small"):
        models_with(models, effective(REMOTE + "[limits]\nmoney = 1.0"), [])
    models.close()


@pytest.mark.parametrize(
    ("provider", "line", "key"),
    [
        ("vllm", "timeout = 3.0", "timeout"),
        ("embedded", "concurrency = 3", "concurrency"),
        ("openai", "managed = false", "managed"),
        ("openai", "engine = {dtype = 'half'}", "engine"),
    ],
)
def test_a_key_that_a_provider_ignores_is_refused(effective, tmp_path, provider, line, key):
    text = f'worker = "p"\n[models.p]\nprovider = "{provider}"\nmodel = "m"\n{line}'
    with pytest.raises(
        ConfigError, match=rf"models\.p\.{key} means nothing to provider {provider}"
    ) as failure:
        choices(effective(text))
    assert str(tmp_path / "c.toml") in str(failure.value)
