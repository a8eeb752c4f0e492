"""What lies in a hub's places, folders of this machine or spaces of a bucket alike, for tests that look there or damage what they find."""

import shutil
from collections.abc import Mapping
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
        drafts = {} if isinstance(getattr(settings, name), Path) else _files(settings.home / "drafts")
        found |= {f"{name}/{path}": content for path, content in (drafts | all_of(settings, name)).items()}
    return found


def names_in(settings: Settings, name: str) -> list[str]:
    """The paths of what :func:`lying` reads of one place; nothing is opened, so that a hub may be at work there."""
    place = getattr(settings, name)
    if isinstance(place, Path):
        return _paths(place)
    return sorted([*_paths(settings.home / "drafts"), *space_of(settings, place).names("")])


def all_of(settings: Settings, name: str) -> dict[str, bytes]:
    """Everything in the place that a setting names, by its path there: what :func:`refill` puts back."""
    place = getattr(settings, name)
    if isinstance(place, Path):
        return _files(place)
    space = space_of(settings, place)
    names = space.names("")
    return {one: read[0] for one, read in zip(names, space.read_each(iter(names)), strict=True) if read}


def _files(folder: Path) -> dict[str, bytes]:
    return {path: (folder / path).read_bytes() for path in _paths(folder)}


def _paths(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def lose(settings: Settings, name: str) -> None:
    """The place that a setting names is lost with everything in it."""
    place = getattr(settings, name)
    if isinstance(place, Path):
        shutil.rmtree(place)
        return
    space = space_of(settings, place)
    space.erase_all(space.names(""))


def refill(settings: Settings, name: str, content: Mapping[str, bytes]) -> None:
    """This, and nothing else, is from now on in the place that a setting names: a copy put back by hand."""
    lose(settings, name)
    place = getattr(settings, name)
    if isinstance(place, Path):
        place.mkdir(mode=0o700)
    for path, held in content.items():
        if isinstance(place, Path):
            (place / path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            (place / path).touch(mode=0o600)
            (place / path).write_bytes(held)
        else:
            assert space_of(settings, place).create(path, held)
