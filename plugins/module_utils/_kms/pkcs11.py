# SPDX-License-Identifier: GPL-3.0-or-later
"""A key in an HSM: `pkcs11:token=…;object=…?module-path=…&pin-value=…` (RFC 7512). One session signs a whole batch.

Sources: RFC 7512; cosign, pkg/cosign/pkcs11key/util.go (which attributes); PKCS #11 3.0, CKM_ECDSA, CKM_RSA_PKCS.
"""

from __future__ import annotations

import re
import threading
import typing as t
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, unquote_to_bytes

from .._shared.requirements import third_party
from . import ecdsa, errors
from .store import StoredKey
from .within import within

with third_party():
    import pkcs11
    from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters
    from pkcs11.util.rsa import encode_rsa_public_key

if t.TYPE_CHECKING:  # pragma: no cover
    from .store import Access, Named

R = t.TypeVar("R")

_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")  # DigestInfo before the digest (RFC 8017, 9.2)
_SLOT = re.compile(r"[0-9]{1,19}\Z", re.ASCII)
_KNOWN = frozenset({"token", "slot-id", "object", "id", "module-path", "pin-value"})


@dataclass(frozen=True)
class _Address:
    """What a URI says."""

    module: str
    token: str = ""
    slot: int | None = None
    label: str = ""
    id: bytes = b""
    pin: str = field(default="", repr=False)

    @property
    def wanted(self) -> dict[str, t.Any]:
        """By which the key is found."""
        return {**({"label": self.label} if self.label else {}), **({"id": self.id} if self.id else {})}


class Pkcs11:
    """One key of one token."""

    def __init__(self, named: Named, access: Access) -> None:
        self._access = access
        self.named = replace(named, shown=_shown(named.rest))
        self._address = self._parsed(named.rest)
        access.register_secret(self._address.pin)
        self._lock = threading.Lock()  # a session is for one thread at a time
        self._session: t.Any = None
        self._private: t.Any = None
        self._kind = ""

    def public_key(self) -> StoredKey:
        return self._ask(self._public_key)

    def sign(self, digest: bytes) -> bytes:
        return self._ask(lambda: self._sign(digest))

    def creator(self) -> t.Callable[[], None]:
        if not self._address.label:
            raise self.named.invalid("a new key needs a name: give object=NAME")
        return lambda: self._ask(self._create)

    def _public_key(self) -> StoredKey:
        found = self._opened().get_key(object_class=pkcs11.ObjectClass.PUBLIC_KEY, **self._address.wanted)
        if found.key_type == pkcs11.KeyType.EC:
            public = self.named.load_der(encode_ec_public_key(found))
        elif found.key_type == pkcs11.KeyType.RSA:
            public = self.named.load_der(encode_rsa_public_key(found), "RSA PUBLIC KEY")
        else:
            raise self.named.bad(f"has a key of the type {found.key_type.name}, which is neither EC nor RSA")
        self._kind = public.kind
        return StoredKey(public)

    def _sign(self, digest: bytes) -> bytes:
        if self._private is None:
            session = self._opened()
            self._private = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, **self._address.wanted)
        if self._kind.startswith("rsa"):
            return bytes(self._private.sign(_SHA256 + digest, mechanism=pkcs11.Mechanism.RSA_PKCS))
        return ecdsa.der(bytes(self._private.sign(digest, mechanism=pkcs11.Mechanism.ECDSA)), self.named)

    def _create(self) -> None:
        session = self._opened(rw=True)
        parameters = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
        domain = session.create_domain_parameters(pkcs11.KeyType.EC, parameters, local=True)
        domain.generate_keypair(store=True, **self._address.wanted)

    def _opened(self, *, rw: bool = False) -> t.Any:
        if self._session is None or rw:
            token = self._token()
            try:
                self._session = token.open(rw=rw, user_pin=self._address.pin or None)
            except pkcs11.UserAlreadyLoggedIn:  # by another key of this task; a login is one of the process
                self._session = token.open(rw=rw)
        return self._session

    def _token(self) -> t.Any:
        library = pkcs11.lib(self._address.module)
        if self._address.slot is None:
            return library.get_token(token_label=self._address.token)
        slots = [slot for slot in library.get_slots(token_present=True) if slot.slot_id == self._address.slot]
        if not slots:
            raise errors.NoSuchKey(f"{self.named.where}: there is no token in slot {self._address.slot}")
        token = slots[0].get_token()
        if self._address.token and token.label != self._address.token:
            raise errors.NoSuchKey(f"{self.named.where}: the token in slot {self._address.slot} has another name")
        return token

    def _ask(self, work: t.Callable[[], R]) -> R:
        """`work` in its turn and in time; what the library raises as the port has it."""

        def alone() -> R:
            with self._lock:
                return work()

        named, module = self.named, self._address.module
        try:
            return within(self._access.http.deadline, named, f"the HSM's library {module}", alone)
        except (pkcs11.NoSuchToken, pkcs11.TokenNotPresent):
            text = f"{named.where}: {module} has no such token"
            raise errors.NoSuchKey(text, key=named.uri) from None
        except pkcs11.NoSuchKey:
            hint = "" if self._address.pin else "; a key that only a logged-in user sees needs a PIN"
            raise errors.NoSuchKey(f"{named.where}: the token has no such key{hint}", key=named.uri) from None
        except (pkcs11.MultipleObjectsReturned, pkcs11.MultipleTokensReturned):
            raise named.invalid("more than one token or key is meant: give slot-id, or both id and object") from None
        except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange):
            text = f"{named.where}: the PIN is wrong; a few more tries may lock the token"
            raise errors.Forbidden(text, key=named.uri) from None
        except (pkcs11.PinLocked, pkcs11.PinExpired) as error:
            state = "locked" if isinstance(error, pkcs11.PinLocked) else "expired"
            raise errors.Forbidden(f"{named.where}: the PIN is {state}", key=named.uri) from None
        except pkcs11.UserNotLoggedIn:
            text = f"{named.where}: the token wants a PIN: give key_store.pin, or set COSIGN_PKCS11_PIN"
            raise errors.Forbidden(text, key=named.uri) from None
        except pkcs11.PKCS11Error as error:
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> errors.KeyStoreError:
        """By its kind alone: the text of what an HSM's library says is nobody's to trust."""
        if self._session is None and error.__class__ is pkcs11.PKCS11Error:
            return errors.Unreachable(
                f"{self.named.where}: {self._address.module} is no PKCS#11 library that can be loaded",
                key=self.named.uri,
            )
        return errors.Rejected(f"{self.named.where}: the HSM refuses ({type(error).__name__})", key=self.named.uri)

    def _parsed(self, rest: str) -> _Address:
        path, _mark, query = rest.partition("?")
        given: dict[str, str] = {}
        for part in (*path.split(";"), *re.split("[&;]", query)):
            name, _equal, value = part.partition("=")
            if name in given:
                raise self.named.invalid(f"{name} is given twice")
            given[name] = value
        strange = sorted(name for name in given if name and name not in _KNOWN)
        if strange:
            raise self.named.invalid(f"{', '.join(strange)[:80]} is no attribute that is known here")
        slot, module = given.get("slot-id", ""), unquote(given.get("module-path", "")) or self._access.module_path
        if not (given.get("token") or slot):
            raise self.named.invalid("it names no token: token=NAME or slot-id=NUMBER")
        if slot and not _SLOT.match(slot):
            raise self.named.invalid("slot-id is not a number")
        if not (given.get("object") or given.get("id")):
            raise self.named.invalid("it names no key: object=NAME or id=%01")
        if not module.startswith("/"):
            raise self.named.invalid(
                "no library is named: give module-path in it, or key_store.module_path, from the root"
            )
        return _Address(
            module,
            unquote(given.get("token", "")),
            int(slot) if slot else None,
            unquote(given.get("object", "")),
            unquote_to_bytes(given.get("id", "")),
            unquote(given.get("pin-value", "")) or self._access.pin,
        )


def _shown(rest: str) -> str:
    """The URI without its PIN."""
    return "pkcs11:" + re.sub(r"(?<=pin-value=)[^&;]*", "***", rest)
