"""The configurations of all integrations, one module each."""

from __future__ import annotations

from typing import Final

from amfast.config.receivers.common import Integration
from amfast.config.receivers.discord import DiscordConfig
from amfast.config.receivers.email import EmailConfig
from amfast.config.receivers.incidentio import IncidentioConfig
from amfast.config.receivers.jira import JiraConfig
from amfast.config.receivers.mattermost import MattermostConfig
from amfast.config.receivers.msteams import MsteamsConfig
from amfast.config.receivers.msteamsv2 import Msteamsv2Config
from amfast.config.receivers.opsgenie import OpsgenieConfig
from amfast.config.receivers.pagerduty import PagerdutyConfig
from amfast.config.receivers.pushover import PushoverConfig
from amfast.config.receivers.rocketchat import RocketchatConfig
from amfast.config.receivers.slack import SlackConfig
from amfast.config.receivers.sns import SnsConfig
from amfast.config.receivers.telegram import TelegramConfig
from amfast.config.receivers.victorops import VictoropsConfig
from amfast.config.receivers.webex import WebexConfig
from amfast.config.receivers.webhook import WebhookConfig
from amfast.config.receivers.wechat import WechatConfig

PRINTED: Final[tuple[type[Integration], ...]] = (
    DiscordConfig, EmailConfig, IncidentioConfig, PagerdutyConfig, SlackConfig, WebhookConfig, OpsgenieConfig,
    WechatConfig, PushoverConfig, VictoropsConfig, SnsConfig, TelegramConfig, WebexConfig, MsteamsConfig,
    Msteamsv2Config, JiraConfig, RocketchatConfig, MattermostConfig,
)  # fmt: skip
"""All of them in the order of printing (reference config, section 7)."""

BUILT: Final = (
    "webhook", "email", "pagerduty", "opsgenie", "wechat", "slack", "victorops", "pushover", "sns", "telegram",
    "discord", "webex", "msteams", "msteamsv2", "jira", "incidentio", "rocketchat", "mattermost",
)  # fmt: skip
"""Their kinds in the order in which a receiver's integrations are built (reference notify, section 5)."""
