"""The kinds of cloud a studio can keep files in, each a row of one table: what it is called and where it is.

All of them speak S3's protocol with SigV4 (Tencent COS "AWS S3 SDK access", Aliyun OSS "S3 compatibility", Huawei OBS
"Compatibility with S3"), so a kind is an address. Addresses are the vendors' own (COS "Regions and Access Endpoints",
OSS "Regions and endpoints", OBS "Endpoints", "Amazon S3 endpoints").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal
from urllib.parse import urlsplit

KindName = Literal["cos", "oss", "obs", "s3"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of cloud; `endpoint` is its address in a region, where the operator gives none of their own."""

    name: KindName
    title: str
    endpoint: str
    bucket_example: str
    region_example: str
    region_default: str = ""
    path_style: bool = False
    """Whether an endpoint the operator gives takes the bucket in the path, as MinIO and its like do."""


KINDS: Final[Mapping[KindName, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(
            name="cos",
            title="Tencent Cloud COS",
            endpoint="https://cos.{region}.myqcloud.com",
            bucket_example="studio-1250000000",
            region_example="ap-guangzhou",
        ),
        Kind(
            name="oss",
            title="Aliyun OSS",
            endpoint="https://oss-{region}.aliyuncs.com",
            bucket_example="studio",
            region_example="cn-hangzhou",
        ),
        Kind(
            name="obs",
            title="Huawei Cloud OBS",
            endpoint="https://obs.{region}.myhuaweicloud.com",
            bucket_example="studio",
            region_example="cn-north-4",
        ),
        Kind(
            name="s3",
            title="S3, MinIO and compatible",
            endpoint="https://s3.{region}.amazonaws.com",
            bucket_example="studio",
            region_example="us-east-1",
            region_default="us-east-1",
            path_style=True,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where in a cloud: a bucket, its region or the endpoint that stands for it, and a prefix below which all is ours.

    Two addresses that are equal name the same files.
    """

    kind: KindName
    bucket: str
    region: str = ""
    endpoint_url: str = ""
    root: str = ""

    @property
    def signed_region(self) -> str:
        """The region that signatures name."""
        return self.region or KINDS[self.kind].region_default or "us-east-1"

    @property
    def bucket_in_path(self) -> bool:
        """Whether the bucket is part of the path; otherwise it is part of the host's name."""
        return bool(self.endpoint_url) and (KINDS[self.kind].path_style or _is_number_or_local(self.endpoint_url))

    @property
    def url(self) -> str:
        """Where requests go, without the path of a key: with the bucket before the host, unless it is in the path."""
        endpoint = self.endpoint_url or KINDS[self.kind].endpoint.format(region=self.signed_region)
        if self.bucket_in_path:
            return endpoint
        scheme, _, rest = endpoint.partition("://")
        return f"{scheme}://{self.bucket}.{rest.removeprefix(f'{self.bucket}.')}"

    @property
    def host(self) -> str:
        """The host that requests go to."""
        return urlsplit(self.url).hostname or ""


def _is_number_or_local(url: str) -> bool:
    """Whether no name can stand before the host."""
    host = urlsplit(url).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return host == "localhost"
    return True
