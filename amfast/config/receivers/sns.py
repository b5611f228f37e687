"""``sns_configs`` (reference config, section 8)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from amfast.config.holders import MapOf, Pairs, ValueBlockOf
from amfast.config.kinds import BOOL, SECRET, TEMPLATE, TEXT, Secret
from amfast.config.receivers.common import HttpIntegration, default, with_http
from amfast.config.schema import Block, Place, key

_TARGETS: Final = ("topic_arn", "phone_number", "target_arn")


@dataclass(frozen=True, slots=True)
class Sigv4(Block):
    """How requests to AWS are signed. What is unset comes from the environment, as AWS' tools find it."""

    region: str = key(TEXT, "", "Region.")
    access_key: str = key(TEXT, "", "Access key; needs `secret_key`.")
    secret_key: Secret | None = key(SECRET, None, "Secret key; needs `access_key`.")
    profile: str = key(TEXT, "", "Profile in AWS' own files.")
    role_arn: str = key(TEXT, "", "Role to take on.")
    external_id: str = key(TEXT, "", "External id for the role; needs `role_arn`.")
    use_fips_sts_endpoint: bool = key(BOOL, False, "Counts for nothing with SNS.")
    service_name: str = key(TEXT, "", "Counts for nothing with SNS.")

    def checked(self, place: Place) -> Sigv4:
        if self.access_key and not self.secret_key:
            place.refuse("needs secret_key", "access_key")
        if self.secret_key and not self.access_key:
            place.refuse("needs access_key", "secret_key")
        if self.external_id and not self.role_arn:
            place.refuse("needs role_arn", "external_id")
        return self


@dataclass(frozen=True, slots=True)
class SnsConfig(HttpIntegration):
    """Publishes through AWS' notification service, to one target."""

    kind: ClassVar[str] = "sns"

    api_url: str = key(TEMPLATE, "", "Where the API is; if unset, by region.")
    sigv4: Sigv4 = key(ValueBlockOf(lambda: Sigv4), Sigv4(), "How requests are signed.", shown=True)
    topic_arn: str = key(TEMPLATE, "", "Topic to publish to.")
    phone_number: str = key(TEMPLATE, "", "Phone to send to.")
    target_arn: str = key(TEMPLATE, "", "Application to send to.")
    subject: str = key(TEMPLATE, default("sns.default.subject"), "Title.")
    message: str = key(TEMPLATE, default("sns.default.message"), "Text.")
    attributes: Pairs = key(MapOf(TEMPLATE), (), "Attributes, templates on both sides.")
    use_aws_http_client: bool = key(BOOL, False, "Let AWS' library make the requests.")

    def checked(self, place: Place) -> SnsConfig:
        # The reference takes any odd number of targets, so all three at once too.
        if sum(bool(getattr(self, name)) for name in _TARGETS) % 2 == 0:
            place.refuse(f"set exactly one of {', '.join(_TARGETS)}")
        return with_http(self, place)
