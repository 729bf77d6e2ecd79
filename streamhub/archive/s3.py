"""An object store that speaks S3 as the place of a site, through boto3.

Knows what an object holds by its ETag: the MD5 of its content, or of the MD5s of its parts, whose size is ours. Stores
that encrypt with keys of their own make other ETags; there a file of the same size is sent again, which is slow and
never wrong. Secrets never come from the command line, and no message holds one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from streamhub.archive.deploying import Upload
from streamhub.config import Secret
from streamhub.errors import BadInput, Environment, StreamhubError, Unavailable

PART_BYTES = 8 * 1024 * 1024
_TRANSFER = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=4)
_REFUSED = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403", "Forbidden", "ExpiredToken"}
_MISSING = {"NoSuchBucket", "404", "NoSuchKey"}

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreAccess:
    """How a store is reached.

    Attributes:
        endpoint: its address; empty for that of the first of them.
        region: its region; empty where it has none.
        key_id, secret: the key; both empty where environment or files of the usual names hold it.
    """

    endpoint: str = ""
    region: str = ""
    key_id: str = ""
    secret: Secret = Secret("")


class StoreTarget:
    """A bucket, or what lies under a prefix of it.

    Args:
        url: ``s3://bucket`` or ``s3://bucket/prefix``.
        access: how it is reached.

    Raises:
        BadInput: the address names no bucket.
    """

    workers = 8

    def __init__(self, url: str, access: StoreAccess) -> None:
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc or parts.username or parts.query:
            raise BadInput(f"{url!r}: names no bucket", hint="write it as s3://bucket or s3://bucket/folder")
        self._bucket = parts.netloc
        self._prefix = f"{parts.path.strip('/')}/" if parts.path.strip("/") else ""
        self._name = f"s3://{self._bucket}/{self._prefix}"
        self._client: Any = self._ask(
            lambda: boto3.session.Session().client(
                "s3",
                endpoint_url=access.endpoint or None,
                region_name=access.region or None,
                aws_access_key_id=access.key_id or None,
                aws_secret_access_key=str(access.secret) or None,
                # Checksums of a new kind are asked for only where a store demands them: not every store knows them.
                config=Config(
                    retries={"max_attempts": 5, "mode": "standard"},
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                ),
            )
        )

    def list_files(self) -> Mapping[str, str]:
        """Every object under the prefix but dotfiles, with size and ETag."""

        def ask() -> dict[str, str]:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            return {
                entry["Key"].removeprefix(self._prefix): " ".join((str(entry["Size"]), entry["ETag"].strip('"')))
                for page in pages
                for entry in page.get("Contents", [])
            }

        found = self._ask(ask)
        return {
            path: mark
            for path, mark in found.items()
            if path and not path.endswith("/") and not any(part.startswith(".") for part in path.split("/"))
        }

    def mark_of(self, source: Path, mark: str) -> str:
        """Size and ETag that the file would get; it is read only where the size is the same."""
        size = source.stat().st_size
        return f"{size} {etag_of(source)}" if mark.split(" ", 1)[0] == str(size) else f"{size} "

    def read(self, path: str) -> bytes:
        """An object."""

        def ask() -> bytes:
            return bytes(self._client.get_object(Bucket=self._bucket, Key=self._key(path))["Body"].read())

        return self._ask(ask)

    def put(self, upload: Upload) -> None:
        """Send a file; large ones in parts, which appear only when all are there."""
        facts = {"ContentType": upload.mime} | ({"CacheControl": upload.cache} if upload.cache else {})
        self._ask(
            lambda: self._client.upload_file(
                str(upload.source), self._bucket, self._key(upload.path), ExtraArgs=facts, Config=_TRANSFER
            )
        )

    def remove(self, path: str) -> None:
        """Remove an object."""
        self._ask(lambda: self._client.delete_object(Bucket=self._bucket, Key=self._key(path)))

    def _key(self, path: str) -> str:
        return f"{self._prefix}{path}"

    def _ask(self, what: Callable[[], T]) -> T:
        try:
            return what()
        except (ClientError, BotoCoreError, boto3.exceptions.Boto3Error, ValueError) as error:
            raise _translate(self._name, error) from error


def _translate(name: str, error: Exception) -> StreamhubError:
    """Our error for one of the store's; its own words may hold parts of a key and are left out where it is refused."""
    cause = error.__cause__ or error.__context__ or error
    found = error if isinstance(error, ClientError) else cause
    code = str(found.response.get("Error", {}).get("Code", "")) if isinstance(found, ClientError) else ""
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return Environment(
            f"{name}: no key for it was found",
            hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or deploy.key_id and deploy.secret_file",
        )
    if code in _REFUSED:
        return Environment(f"{name}: refuses this key ({code})", hint="check the key, and what it may do")
    if code in _MISSING:
        return BadInput(f"{name}: is not there ({code})", hint="make the bucket, or check its name and the endpoint")
    return Unavailable(f"{name}: {code or type(error).__name__}", hint="deploy again; it goes on where it was")


def etag_of(source: Path) -> str:
    """The ETag of a file as it is sent: MD5, or MD5 of the parts' MD5s with their number."""
    digests = []
    with source.open("rb") as file:
        while part := file.read(PART_BYTES):
            digests.append(md5(part, usedforsecurity=False))
    if source.stat().st_size < PART_BYTES:
        return (digests[0] if digests else md5(b"", usedforsecurity=False)).hexdigest()
    return f"{md5(b''.join(one.digest() for one in digests), usedforsecurity=False).hexdigest()}-{len(digests)}"
