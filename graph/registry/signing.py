"""Ed25519 signatures of warrants: who may write to MLflow's runs cannot write a warrant without the private key."""

import re
from base64 import b64decode, b64encode
from binascii import Error
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from ..errors import SettingsInvalid
from .warrant import SignatureCheck, Warrant, any_signature

PUBLIC = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)


def signed(warrant: Warrant, key: Path | None) -> Warrant:
    """The warrant with a signature by the private key in a file; without a key, as it is. Raises SettingsInvalid."""
    if key is None:
        return warrant
    try:
        private = load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SettingsInvalid(f"WARRANT_SIGNING_KEY={key} is no private key: {error}.") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise SettingsInvalid(f"WARRANT_SIGNING_KEY={key} is no Ed25519 key; `openssl genpkey -algorithm ed25519`.")
    return warrant.model_copy(update={"signature": b64encode(private.sign(warrant.payload())).decode()})


def signature_check(signers: Path | None) -> SignatureCheck:
    """What checks signatures by the public keys in a file; raises SettingsInvalid when it holds none."""
    if signers is None:
        return any_signature
    try:
        keys = [load_pem_public_key(each) for each in PUBLIC.findall(signers.read_bytes())]
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise SettingsInvalid(f"WARRANT_SIGNERS={signers} cannot be read: {error}.") from error
    public = [key for key in keys if isinstance(key, Ed25519PublicKey)]
    if not public or len(public) < len(keys):
        raise SettingsInvalid(f"WARRANT_SIGNERS={signers} must hold Ed25519 public keys in PEM, and nothing else.")
    return lambda warrant: any(_fits(warrant, key) for key in public)


def _fits(warrant: Warrant, key: Ed25519PublicKey) -> bool:
    try:
        key.verify(b64decode(warrant.signature, validate=True), warrant.payload())
    except (InvalidSignature, Error, ValueError):
        return False
    return True
