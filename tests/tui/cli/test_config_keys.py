"""`config keys`: what can be done on the screens, and by which key; `config` checks them, and the theme."""

import pytest


def test_every_action_is_listed_with_the_keys_in_force(program, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text('[keys]\ndecide.approve = "Y"\ndecide.edit = "r"\n')
    status, out, err = program("config", "keys", "--config", config)
    rows = {line.split()[0]: line.split()[1] for line in out.splitlines()}
    assert status == 0
    assert (rows["decide.approve"], rows["decide.edit"], rows["decide.reject"]) == ("Y", "r", "-")
    assert "r is decide.edit now, no longer decide.reject" in err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[keys]\n"decide.aprove" = "z"', "no action decide.aprove (did you mean decide.approve?)"),
        ('[screen]\ntheme = "purple"', "no such theme: purple (use "),
    ],
)
def test_config_tells_what_the_screens_would_refuse(program, tmp_path, text, told):
    (tmp_path / "c.toml").write_text(text)
    status, _, err = program("config", "--config", tmp_path / "c.toml")
    assert (status, told in err) == (1, True)
