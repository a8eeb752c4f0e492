"""What lies in a hub's places, folders of this machine or spaces of a bucket alike, for tests that look there or damage what they find."""

from pathlib import Path

from exchange.kept_in_bucket import BucketObjects
from exchange.objects import Objects, Store
from exchange.places import space_of
from exchange.settings import Settings
from exchange.where import Place


def folder_of(place: Place) -> Path:
    """The folder that a setting names."""
    assert isinstance(place, Path)
    return place


def file_of(objects: Store, name: str) -> Path:
    """The file of an object, where it is or would be."""
    assert isinstance(objects, Objects)
    return objects.path(name)


def content_of(objects: Store, name: str) -> bytes:
    """What an object holds, read as the hub reads it."""
    with objects.at_hand([name]) as (path,):
        return path.read_bytes()


def put_there(objects: Store, name: str, content: bytes) -> None:
    """Make this what lies under a name, whatever lay there: what an intruder, a failing disk or another process may do."""
    if isinstance(objects, Objects):
        place = objects.path(name)
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)
        return
    assert isinstance(objects, BucketObjects)
    space = objects._space
    space.service.client.put_object(Bucket=space.place.bucket, Key=space.key(name), Body=content)


def lying(settings: Settings, *places: str) -> dict[str, bytes]:
    """Everything in these places, drafts and what is no object included, by its path there."""
    found: dict[str, bytes] = {}
    for name in places:
        place = getattr(settings, name)
        folder = place if isinstance(place, Path) else settings.home / "drafts"
        found |= {f"{name}/{path.relative_to(folder)}": path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
        if not isinstance(place, Path):
            space = space_of(settings, place)
            names = space.names("")
            found |= {f"{name}/{one}": read[0] for one, read in zip(names, space.read_each(iter(names)), strict=True) if read}
    return found
