# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS KMS: `awskms://[HOST]/ID`, `…/alias/NAME`, `…/arn:aws:kms:…`. boto3 finds credentials and signs requests.

The requests themselves go through our own client, so that its deadlines, limits, proxies and authorities hold for them.
Sources: AWS KMS API reference, GetPublicKey, Sign, CreateKey; sigstore, pkg/signature/kms/aws (the URIs).
"""

from __future__ import annotations

import io
import os
import re
import typing as t
from urllib.parse import urlsplit

from .._http import errors as http
from .._http.client import Client
from .._shared import strict_json
from .._shared.requirements import third_party
from .._shared.scrub import Scrubber
from .._shared.strict_json import MalformedJson
from . import errors
from .store import StoredKey
from .within import within

with third_party():
    import boto3.session
    import botocore.exceptions
    from botocore.awsrequest import AWSResponse
    from botocore.config import Config

if t.TYPE_CHECKING:  # pragma: no cover
    from .store import Access, Named

_LIMIT = 256 * 1024  # bytes of an answer
_ID = r"(?:mrk-[0-9a-fA-F]{32}|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})"
_ALIAS = r"alias/[A-Za-z0-9/_-]{1,250}"
_ARN = rf"arn:aws[a-z-]*:kms:(?P<region>[a-z0-9-]{{1,40}}):[0-9]{{12}}:(?:key/{_ID}|{_ALIAS})"
_URI = re.compile(rf"(?P<host>[A-Za-z0-9.:\[\]-]*)/(?P<key>{_ID}|{_ALIAS}|{_ARN})", re.ASCII)
_FORBIDDEN = frozenset({"AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException"})
_FORBIDDEN |= {"ExpiredTokenException", "InvalidClientTokenId", "IncompleteSignature", "MissingAuthenticationToken"}
_LATER = frozenset({"ThrottlingException", "DependencyTimeoutException", "KMSInternalException", "Throttling"})
_OTHER_SHAPE = (ValueError, TypeError, AttributeError, LookupError)  # what its parser makes of an answer of another
_ALGORITHMS = {"ecdsa-p256": "ECDSA_SHA_256"}  # all others: RSA


class Aws:
    """One key. `public_key` pins an alias to the key that it means by then."""

    def __init__(self, named: Named, access: Access) -> None:
        self.named, self._access = named, access
        found = _URI.fullmatch(named.rest)
        if found is None:
            raise named.invalid("it must be awskms://[HOST]/ID, …/alias/NAME or …/arn:aws:kms:REGION:ACCOUNT:key/ID")
        self._key, self._algorithm = found["key"], ""
        self._scrubber = Scrubber(access.register_secret)
        self._aws = within(access.http.deadline, named, "boto3", lambda: self._connect(found))
        self._client = Client(
            self._aws.meta.endpoint_url.rstrip("/"),
            access.http,
            register_secret=access.register_secret,
            peer=f"{named.where}: {self._aws.meta.endpoint_url}",
        )
        self._aws.meta.events.register("before-send.kms", self._send)

    def _connect(self, found: re.Match[str]) -> t.Any:
        # boto3 knows AWS_DEFAULT_REGION alone; cosign's SDK reads this one first.
        region = found["region"] or os.environ.get("AWS_REGION") or None
        # One request is one request: what is tried again, and when, our own client decides.
        config = Config(
            retries={"total_max_attempts": 1}, connect_timeout=self._access.http.timeout, region_name=region
        )
        endpoint = f"https://{found['host']}" if found["host"] else None
        try:
            return boto3.session.Session().client("kms", endpoint_url=endpoint, config=config)
        except botocore.exceptions.NoRegionError:
            raise self.named.invalid("no region is known: set AWS_REGION, or give the key's ARN") from None
        except (botocore.exceptions.BotoCoreError, ValueError) as error:
            raise self.named.invalid(f"boto3 cannot use its configuration ({type(error).__name__})") from None

    def public_key(self) -> StoredKey:
        answer = self._ask("get_public_key", KeyId=self._key)
        der, arn, algorithms = answer.get("PublicKey"), answer.get("KeyId"), answer.get("SigningAlgorithms") or []
        if not isinstance(der, bytes) or not isinstance(arn, str) or not arn:
            raise self.named.bad("gives no public key")
        public = self.named.load_der(der)
        self._algorithm = _ALGORITHMS.get(public.kind, "RSASSA_PKCS1_V1_5_SHA_256")
        self._key = arn  # whatever an alias means later
        refusal = "" if self._algorithm in algorithms else f"AWS does not sign with it by {self._algorithm}"
        return StoredKey(public, arn, refusal)

    def sign(self, digest: bytes) -> bytes:
        answer = self._ask(
            "sign", KeyId=self._key, Message=digest, MessageType="DIGEST", SigningAlgorithm=self._algorithm
        )
        signature = answer.get("Signature")
        if not isinstance(signature, bytes) or answer.get("KeyId") != self._key:
            raise self.named.bad("gives no signature by the key that was asked")
        return signature

    def creator(self) -> t.Callable[[], None]:
        if not self._key.startswith("alias/"):
            raise self.named.invalid("AWS chooses the ID of a new key: give an alias, as awskms:///alias/NAME")
        return self._create

    def _create(self) -> None:
        made = self._ask("create_key", KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY", Description=self._key)
        self._ask("create_alias", AliasName=self._key, TargetKeyId=made["KeyMetadata"]["KeyId"])

    def _ask(self, operation: str, **arguments: t.Any) -> dict[str, t.Any]:
        named = self.named
        try:
            work = getattr(self._aws, operation)
            return within(self._access.http.deadline, named, "AWS", lambda: dict(work(**arguments)))
        except http.Unreachable as error:
            raise errors.Unreachable(error.message, key=named.uri, cause=error.details.get("cause")) from None
        except http.HttpError as error:
            raise errors.BadAnswer(f"{named.where}: {error.message}", key=named.uri) from None
        except botocore.exceptions.ClientError as error:
            raise self._refused(error) from None
        except (botocore.exceptions.NoCredentialsError, botocore.exceptions.PartialCredentialsError):
            text = f"{named.where}: boto3 finds no AWS credentials: neither by environment, profile nor role"
            raise errors.Forbidden(text, key=named.uri) from None
        except MalformedJson as error:
            raise named.bad(f"gives what is not JSON: {error.message}") from None
        except (botocore.exceptions.BotoCoreError, *_OTHER_SHAPE) as error:
            # A library's own words can hold what it was given.
            raise errors.BadAnswer(f"{named.where}: boto3 fails ({type(error).__name__})", key=named.uri) from None

    def _refused(self, error: t.Any) -> errors.KeyStoreError:
        code = str(error.response.get("Error", {}).get("Code", ""))[:80]
        said = self._scrubber.clean(f"{code}: {error.response.get('Error', {}).get('Message', '')}")
        kind: type[errors.KeyStoreError] = errors.Rejected
        words = "AWS refuses"
        if code == "NotFoundException":
            kind, words = errors.NoSuchKey, "AWS has no such key"
        elif code in _FORBIDDEN:
            kind, words = errors.Forbidden, "AWS does not allow this with these credentials"
        elif code in _LATER:
            kind, words = errors.Unreachable, "AWS has no answer now"
        return kind(f"{self.named.where}: {words} ({said})", key=self.named.uri)

    def _send(self, request: t.Any, **_more: t.Any) -> AWSResponse:
        """In the place of botocore's own HTTP: a request that it has signed."""
        parts = urlsplit(request.url)
        sent = {name: value if isinstance(value, str) else value.decode() for name, value in request.headers.items()}
        token = sent.get("X-Amz-Security-Token", "")
        self._scrubber.add(token)
        target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        repeat = not sent.get("X-Amz-Target", "").endswith((".CreateKey", ".CreateAlias"))
        reply = self._client.ask(request.method, target, body=request.body, headers=sent, limit=_LIMIT, repeat=repeat)
        if reply.body:  # its parser takes anything for an empty answer, and stumbles over the rest
            strict_json.load_object(reply.body, "the answer")
        read = {name: reply.headers.get(name, "") for name in ("Content-Type", "x-amzn-RequestId", "x-amzn-ErrorType")}
        return AWSResponse(request.url, reply.status, read, _Body(reply.body))


class _Body(io.BytesIO):
    """A body as botocore reads one."""

    def stream(self, **_more: t.Any) -> t.Iterator[bytes]:
        yield self.getvalue()
