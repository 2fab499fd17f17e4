"""The servers that tests start answer as the real ones, and leave nothing behind."""

import pytest


@pytest.mark.postgres
def test_each_test_has_an_empty_database_of_its_own(postgres_url):
    sqlalchemy = pytest.importorskip("sqlalchemy")
    engine = sqlalchemy.create_engine(postgres_url)
    with engine.begin() as connection:
        assert "PostgreSQL" in connection.execute(sqlalchemy.text("SELECT version()")).scalar_one()
        assert sqlalchemy.inspect(connection).get_table_names() == []
        connection.execute(sqlalchemy.text("CREATE TABLE left_over (number int)"))
    engine.dispose()


@pytest.mark.postgres
def test_nothing_of_the_test_before_is_seen(postgres_url):
    test_each_test_has_an_empty_database_of_its_own(postgres_url)
