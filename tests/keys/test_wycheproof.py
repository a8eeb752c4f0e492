"""The primitives, as this room uses them, against Wycheproof (C2SP, Apache-2.0)."""

import numpy as np
import pyarrow as pa
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from keys import pseudonym
from keys.ecdsa import Es256Key
from keys.errors import BadFormat, BadSignature
from keys.sign import VerifyKey
from tests.keys.shared import wycheproof


def test_hmac_sha256_through_the_pseudonym_loop() -> None:
    for _, test in wycheproof("hmac_sha256"):
        values = pa.array([bytes.fromhex(test["msg"])])
        ours = np.asarray(pseudonym._hmac(values, bytes.fromhex(test["key"]))).tobytes()
        tag = bytes.fromhex(test["tag"])
        # Ours is the first 16 bytes. A vector invalid only in a later byte cannot be told apart by them.
        same = ours[: len(tag)] == tag[:16]
        if test["result"] == "valid":
            assert same, test["tcId"]
        else:
            full = hmac.HMAC(bytes.fromhex(test["key"]), hashes.SHA256())
            full.update(bytes.fromhex(test["msg"]))
            assert full.finalize()[: len(tag)] != tag, test["tcId"]


def test_hkdf_sha256() -> None:
    for _, test in wycheproof("hkdf_sha256"):
        secret, salt, info = (bytes.fromhex(test[name]) for name in ("ikm", "salt", "info"))
        if test["result"] == "valid":
            okm = HKDF(hashes.SHA256(), test["size"], salt, info).derive(secret)
            assert okm.hex() == test["okm"], test["tcId"]
        else:
            with pytest.raises(ValueError, match=r"."):
                HKDF(hashes.SHA256(), test["size"], salt, info)


def test_aes_256_gcm_with_96_bit_nonces() -> None:
    ran = 0
    for group, test in wycheproof("aes_gcm"):
        if group["ivSize"] != 96 or group["keySize"] != 256:
            continue
        ran += 1
        cipher = AESGCM(bytes.fromhex(test["key"]))
        nonce, aad, message = (bytes.fromhex(test[name]) for name in ("iv", "aad", "msg"))
        sealed = bytes.fromhex(test["ct"] + test["tag"])
        if test["result"] == "valid":
            assert cipher.encrypt(nonce, message, aad) == sealed, test["tcId"]
            assert cipher.decrypt(nonce, sealed, aad) == message, test["tcId"]
        else:
            with pytest.raises(InvalidTag):
                cipher.decrypt(nonce, sealed, aad)
    assert ran > 50


def test_aes_key_wrap_with_256_bit_keys() -> None:
    ran = 0
    for group, test in wycheproof("aes_wrap"):
        if group["keySize"] != 256:
            continue
        ran += 1
        key, data, wrapped = (bytes.fromhex(test[name]) for name in ("key", "msg", "ct"))
        if test["result"] == "valid":
            assert aes_key_wrap(key, data) == wrapped, test["tcId"]
            assert aes_key_unwrap(key, wrapped) == data, test["tcId"]
        elif test["result"] == "invalid":
            with pytest.raises((InvalidUnwrap, ValueError)):
                aes_key_unwrap(key, wrapped)
    assert ran > 30


def test_ed25519() -> None:
    for group, test in wycheproof("ed25519"):
        message, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
        try:
            VerifyKey(bytes.fromhex(group["publicKey"]["pk"])).verify_raw(message, signature)
            verified = True
        except (BadSignature, BadFormat):
            verified = False
        assert verified == (test["result"] == "valid"), test["tcId"]


def test_ecdsa_over_p256_with_sha256_in_p1363_form() -> None:
    ran = 0
    for group, test in wycheproof("ecdsa_secp256r1_sha256_p1363"):
        ran += 1
        message, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
        key = Es256Key(bytes.fromhex(group["publicKey"]["uncompressed"]))
        try:
            key.verify(message, signature)
            verified = True
        except BadSignature:
            verified = False
        assert verified == (test["result"] == "valid"), test["tcId"]
    assert ran == 262


def test_x25519() -> None:
    for _, test in wycheproof("x25519"):
        private = X25519PrivateKey.from_private_bytes(bytes.fromhex(test["private"]))
        public = X25519PublicKey.from_public_bytes(bytes.fromhex(test["public"]))
        if "ZeroSharedSecret" in test["flags"]:
            with pytest.raises(ValueError, match=r"."):
                private.exchange(public)
        else:
            assert private.exchange(public).hex() == test["shared"], test["tcId"]


def test_ml_kem_768_decapsulation() -> None:
    for _, test in wycheproof("mlkem_768"):
        seed, ciphertext = bytes.fromhex(test["seed"]), bytes.fromhex(test["c"])
        if test["result"] == "valid":
            key = MLKEM768PrivateKey.from_seed_bytes(seed)
            assert key.decapsulate(ciphertext).hex() == test["K"], test["tcId"]
            if test.get("ek"):
                assert key.public_key().public_bytes_raw().hex() == test["ek"], test["tcId"]
        else:
            with pytest.raises(ValueError, match=r"."):
                MLKEM768PrivateKey.from_seed_bytes(seed).decapsulate(ciphertext)
