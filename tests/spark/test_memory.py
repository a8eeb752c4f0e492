"""``edition_memory`` is one setting for two engines, which do not spell it alike."""

import pytest

from exchange.errors import Misconfigured
from exchange.releases.on_spark import LEAST, as_java_reads


@pytest.mark.parametrize(("asked", "java"), [("2GB", "1907m"), ("500MiB", "500m"), ("500MB", "476m"), ("1.5GiB", "1536m"), ("4g", "3814m")])
def test_a_limit_is_the_same_number_of_bytes_for_the_jvm(asked: str, java: str) -> None:
    assert as_java_reads(asked) == java


def test_what_spark_does_not_start_with_is_refused_in_words() -> None:
    with pytest.raises(Misconfigured, match="does not start with 400MB") as refused:
        as_java_reads("400MB")
    assert str(LEAST) in str(refused.value.remedy)
