"""`config keys`: what can be done on the screens, and by which key."""


def test_every_action_is_listed_with_the_keys_in_force(program, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text('[keys]\ndecide.approve = "Y"\ndecide.edit = "r"\n')
    status, out, err = program("config", "keys", "--config", config)
    rows = {line.split()[0]: line.split()[1] for line in out.splitlines()}
    assert status == 0
    assert (rows["decide.approve"], rows["decide.edit"], rows["decide.reject"]) == ("Y", "r", "-")
    assert "r is decide.edit now, no longer decide.reject" in err
