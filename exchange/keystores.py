"""The keystore that the settings ask for: always one sealed file, its roots wrapped by a credential, a key service or a hardware module."""

from typing import cast

from exchange import extras
from exchange.settings import Settings
from keys.keystore import SealedFileKeystore
from keys.providers import CredentialFileRoots, RootProvider


def roots_of(settings: Settings) -> RootProvider:
    """The provider of root keys that the settings name; nothing is asked of it yet."""
    match settings.root_provider:
        case "transit":
            return cast(
                RootProvider,
                extras.load("transit").TransitRoots(
                    settings.roots,
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
            return cast(RootProvider, made(settings.roots, *where, prefix=settings.root_prefix))
        case _:
            return CredentialFileRoots(settings.roots, settings.credential)


def open_keystore(settings: Settings) -> SealedFileKeystore:
    """The hub's keystore; never created by opening it. KeystoreUnreadable where it, or its provider of roots, does not answer."""
    return SealedFileKeystore(settings.keystore, roots_of(settings))


def make_keystore(settings: Settings) -> SealedFileKeystore:
    """An empty keystore. KeyExists where there is one."""
    return SealedFileKeystore.initialise(settings.keystore, roots_of(settings))
