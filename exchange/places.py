"""The places that settings name: folders of this host, or spaces on an S3-compatible service."""

from pathlib import Path

from exchange.bucket import Service, Space
from exchange.errors import Misconfigured
from exchange.kept_in_bucket import BucketObjects
from exchange.objects import Objects, Store
from exchange.settings import Settings
from exchange.where import InBucket, Place

PLACES = ("objects", "staging", "keystore", "second_store")


def space_of(settings: Settings, place: InBucket) -> Space:
    """A space of the service that the settings name; nothing is asked of it yet."""
    if settings.s3_credentials_file is None:
        raise Misconfigured(f"{place} needs s3_credentials_file.")
    service = Service(settings.s3_endpoint, settings.s3_region, settings.s3_credentials_file, settings.s3_ca_file)
    return Space(service, place)


def objects_in(settings: Settings, place: Place, *, renews: bool = False) -> Store:
    """The objects of a place. ``renews``: in a bucket, a name that is taken by other content is written anew (sealed parts)."""
    if isinstance(place, Path):
        return Objects(place)
    return BucketObjects(space_of(settings, place), settings.home, renews=renews)


def check(settings: Settings) -> None:
    """That every bucket is there and does what is needed of it: Misconfigured, or what the service says."""
    for name in PLACES:
        place = getattr(settings, name)
        if isinstance(place, InBucket):
            space_of(settings, place).check()


def require_new(settings: Settings) -> None:
    """Misconfigured where a place in a bucket holds anything: a new hub would take what is another's for leftovers of its own."""
    for name in PLACES:
        place = getattr(settings, name)
        if isinstance(place, InBucket) and any(space_of(settings, place).listed("", most=1)):
            raise Misconfigured(
                f"{place} holds something already.", remedy=f"Give the new hub another prefix for {name}, or an empty bucket."
            )
