"""What of an address may be shown."""

import json

import pytest

from cclcc_cli.addresses import without_secrets, without_secrets_in

PASSWORDS = ("p", "p/w", "p@w", "p w", "p:w", "p%40w", "p'w", "p\\w")


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_is_not_shown_whatever_it_holds(password):
    address = f"postgresql+psycopg://me:{password}@h:5432/d"
    shown = "postgresql+psycopg://***@h:5432/d"
    assert without_secrets(address) == shown
    assert without_secrets(f"--storage={address}") == f"--storage={shown}"
    assert without_secrets_in(f"at {address}: failed") == f"at {shown}: failed"
    hidden = without_secrets_in(json.dumps({"at": address, "then": 1}))
    assert json.loads(hidden) == {"at": shown, "then": 1}


@pytest.mark.parametrize(("address", "shown"), [
    ("http://token@h:5000/", "http://***@h:5000/"),
    ("http://h/d?token=secret&x=1", "http://h/d?***"),
    ("http://h/?token=a@b", "http://***"),              # where does the password end
    ("postgresql://u:p?w@h/d", "postgresql://***"),
    ("http://h:5000/#/experiments/1", "http://h:5000/#/experiments/1"),
    ("postgresql://h/d", "postgresql://h/d"),
    ("sqlite:////a?b/me@home/mlflow.db", "sqlite:////a?b/me@home/mlflow.db"),
    ("runs/me@home", "runs/me@home"),
])
def test_what_is_shown_of_an_address(address, shown):
    assert without_secrets(address) == shown
    assert without_secrets_in(f"see {address} there") == f"see {shown} there"


def test_a_port_is_no_password():
    text = "see http://h:5000/ there, or http://h:5000: write to me@home"
    assert without_secrets_in(text) == text
