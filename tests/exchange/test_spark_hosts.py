"""What `exchange spark` refuses before anything of Spark's is started. The cluster itself: tests/spark/test_cluster.py."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from exchange.errors import Misconfigured
from exchange.releases.spark_hosts import program, secret_of, write
from exchange.settings import Settings
from keys.files import write_new
from tests.exchange.standing import settings_in

SECRET = "0123456789abcdef" * 4


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    write_new(tmp_path / "secret", f"{SECRET}\n".encode())
    there = {"spark_master": "spark://spark-1.example.org:7077", "spark_address": "spark-1.example.org"}
    return settings_in(tmp_path, **there, spark_secret_file=tmp_path / "secret")


def test_the_secret_is_letters_and_digits_and_long(settings: Settings, tmp_path: Path) -> None:
    assert secret_of(settings) == SECRET
    for bad in ("short", "", "0123456789abcdef 123456789abcdef0", "é" * 40):
        (tmp_path / "secret").write_text(bad, encoding="utf-8")
        with pytest.raises(Misconfigured, match="holds no secret") as refused:
            secret_of(settings)
        assert "openssl rand -hex 32" in str(refused.value.remedy)
        assert not bad or bad not in str(refused.value)
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(Misconfigured, match="is readable by everyone"):
        secret_of(settings)
    (tmp_path / "secret").unlink()
    with pytest.raises(Misconfigured, match="cannot be read"):
        secret_of(settings)
    with pytest.raises(Misconfigured, match="needs spark_secret_file"):
        secret_of(replace(settings, spark_secret_file=None))


def test_without_a_cluster_in_the_settings_nothing_is_started(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no Spark cluster by these settings"):
        program(replace(settings, spark_master="local[2]"), tmp_path / "hub.toml", "worker")
    assert not (tmp_path / "spark").exists()


@pytest.mark.skipif(importlib.util.find_spec("pyspark") is not None, reason="Spark is installed in this environment")
def test_where_spark_is_not_installed_the_operator_hears_what_to_install(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="Spark is not installed here") as refused:
        program(settings, tmp_path / "hub.toml", "worker")
    assert "lcjp-exchange[spark]" in str(refused.value.remedy)
    assert not (tmp_path / "spark").exists()


def test_what_holds_the_secret_is_read_by_its_owner_alone_even_where_a_file_was_there(tmp_path: Path) -> None:
    file = tmp_path / "worker.conf"
    file.touch(mode=0o644)
    write(file, {"spark.authenticate": "true", "spark.authenticate.secret": "s"})
    assert file.read_text(encoding="utf-8") == "spark.authenticate true\nspark.authenticate.secret s\n"
    assert file.stat().st_mode & 0o777 == 0o600
