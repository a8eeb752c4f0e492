"""Places of a hub that keeps its objects in folders of this machine, for tests that look into them or damage what lies there."""

from pathlib import Path

from exchange.objects import Objects, Store
from exchange.where import Place


def folder_of(place: Place) -> Path:
    """The folder that a setting names."""
    assert isinstance(place, Path)
    return place


def file_of(objects: Store, name: str) -> Path:
    """The file of an object, where it is or would be."""
    assert isinstance(objects, Objects)
    return objects.path(name)
