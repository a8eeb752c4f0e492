"""The keystore that the settings ask for: always one sealed file, its roots wrapped by a credential, a key service or a hardware module."""

from pathlib import Path
from typing import cast

from exchange import extras, places
from exchange.keyring import OWN, signing_name
from exchange.settings import Settings
from keys.keystore import SealedFileKeystore
from keys.places import FolderPlace, Place, Shelf, ShelfPlace
from keys.providers import CredentialFileRoots, RootProvider

ROOTS = "roots"
LENIENT = tuple(signing_name(use) for use in OWN)
"""What every request is looked at with. Of a keystore in a bucket it may be as it was a second ago; everything else is asked for anew."""


def roots_of(settings: Settings) -> RootProvider:
    """The provider of root keys that the settings name; nothing is asked of it yet."""
    match settings.root_provider:
        case "transit":
            return cast(
                RootProvider,
                extras.load("transit").TransitRoots(
                    _wrapped(settings),
                    settings.transit_address,
                    settings.transit_token_file,
                    mount=settings.transit_mount,
                    prefix=settings.root_prefix,
                    ca_file=settings.transit_ca_file,
                    namespace=settings.transit_namespace,
                ),
            )
        case "pkcs11":
            made = extras.load("pkcs11").HardwareRoots
            where = (settings.pkcs11_module, settings.pkcs11_token, settings.pkcs11_pin_file)
            return cast(RootProvider, made(_wrapped(settings), *where, prefix=settings.root_prefix))
        case _:
            return CredentialFileRoots(settings.roots, settings.credential)


def _wrapped(settings: Settings) -> Path | Shelf:
    """Where the wrapped roots lie: where several hosts share the keystore, they share these too."""
    if isinstance(settings.keystore, Path):
        return settings.roots
    return places.space_of(settings, settings.keystore).within(ROOTS)


def place_of(settings: Settings) -> Place:
    """Where the sealed file lies."""
    if isinstance(settings.keystore, Path):
        return FolderPlace(settings.keystore)
    return ShelfPlace(places.space_of(settings, settings.keystore))


def open_keystore(settings: Settings) -> SealedFileKeystore:
    """The hub's keystore; never created by opening it. KeystoreUnreadable where it, or its provider of roots, does not answer."""
    return SealedFileKeystore(place_of(settings), roots_of(settings), lenient=LENIENT)


def make_keystore(settings: Settings) -> SealedFileKeystore:
    """An empty keystore. KeyExists where there is one."""
    return SealedFileKeystore.initialise(place_of(settings), roots_of(settings), lenient=LENIENT)
