"""What of an address may be shown."""

import pytest

from cclcc_cli.addresses import without_password


@pytest.mark.parametrize(("address", "shown"), [
    ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg://***@h/d"),
    ("see http://token@h:5000/ there", "see http://***@h:5000/ there"),
    ("postgresql://h/d", "postgresql://h/d"),
])
def test_who_and_how_are_not_shown(address, shown):
    assert without_password(address) == shown
