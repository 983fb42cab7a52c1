"""The kinds of cloud a studio can keep files in, each a row of one table: where it is and what OpenDAL calls things.

Addresses are the vendors' own (Tencent COS "Regions and Access Endpoints", Aliyun OSS "Regions and endpoints", Huawei
OBS "Endpoints", AWS "Amazon S3 endpoints"); option names are those of `opendal.config`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

KindName = Literal["cos", "oss", "obs", "s3"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of cloud.

    `endpoint` is its address in a region, where the operator gives none of their own. `access_key` and `secret_key`
    are what OpenDAL calls the two halves of a login, `more` what it is told besides: above all to look for no login
    in the environment. `region_option` is where the region itself has to be told.
    """

    name: KindName
    title: str
    endpoint: str
    access_key: str
    secret_key: str
    bucket_example: str
    region_example: str
    region_option: str | None = None
    region_default: str | None = None
    more: Mapping[str, str] = field(default_factory=dict)
    more_at_home: Mapping[str, str] = field(default_factory=dict)
    """What it is told besides where the address is the vendor's own."""

    own_endpoint_is_whole: bool = False
    """Whether an endpoint the operator gives is called as it is, with the bucket in the path or known to the host."""


KINDS: Final[Mapping[KindName, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(
            name="cos",
            title="Tencent Cloud COS",
            endpoint="https://cos.{region}.myqcloud.com",
            access_key="secret_id",
            secret_key="secret_key",  # noqa: S106 - the option's name
            bucket_example="studio-1250000000",
            region_example="ap-guangzhou",
            more={"disable_config_load": "true"},
        ),
        Kind(
            name="oss",
            title="Aliyun OSS",
            endpoint="https://oss-{region}.aliyuncs.com",
            access_key="access_key_id",
            secret_key="access_key_secret",  # noqa: S106 - the option's name
            bucket_example="studio",
            region_example="cn-hangzhou",
        ),
        Kind(
            name="obs",
            title="Huawei Cloud OBS",
            endpoint="https://obs.{region}.myhuaweicloud.com",
            access_key="access_key_id",
            secret_key="secret_access_key",  # noqa: S106 - the option's name
            bucket_example="studio",
            region_example="cn-north-4",
            own_endpoint_is_whole=True,
        ),
        Kind(
            name="s3",
            title="S3, MinIO and compatible",
            endpoint="https://s3.{region}.amazonaws.com",
            access_key="access_key_id",
            secret_key="secret_access_key",  # noqa: S106 - the option's name
            bucket_example="studio",
            region_example="us-east-1",
            region_option="region",
            region_default="us-east-1",
            more={"disable_config_load": "true", "disable_ec2_metadata": "true"},
            more_at_home={"enable_virtual_host_style": "true"},
            own_endpoint_is_whole=True,
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
    def url(self) -> str:
        """The endpoint's address."""
        kind = KINDS[self.kind]
        return self.endpoint_url or kind.endpoint.format(region=self.region or kind.region_default or "")

    @property
    def host(self) -> str:
        """The host that calls go to: the bucket is part of its name, unless the endpoint is one's own."""
        host = urlsplit(self.url).hostname or ""
        whole = self.endpoint_url and KINDS[self.kind].own_endpoint_is_whole
        return host if whole else f"{self.bucket}.{host}"

    def options(self, access_key: str, secret_key: str) -> dict[str, str]:
        """What OpenDAL is told."""
        kind = KINDS[self.kind]
        told = {
            "bucket": self.bucket,
            "endpoint": self.url,
            "root": f"/{self.root.strip('/')}/" if self.root.strip("/") else "/",
            kind.access_key: access_key,
            kind.secret_key: secret_key,
            **kind.more,
            **({} if self.endpoint_url else kind.more_at_home),
        }
        if kind.region_option is not None:
            told[kind.region_option] = self.region or kind.region_default or ""
        return told
