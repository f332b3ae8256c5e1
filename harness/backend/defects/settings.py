"""Defects in reading settings, and in what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from harness.backend.configuration import Configuration
from harness.backend.gateway.pricing import Prices, Pricing
from harness.backend.providers import Provider
from harness.backend.runs.requirements import Requirements
from harness.backend.settings import SETTINGS, Settings, SettingsError

from .base import Defect, instead


class RunsStartsWithoutKey(Defect):
    """The key is only looked at when it is used."""

    id = "runs-starts-without-key"
    summary = "runs start without the key of their provider"

    class _Hopes(Requirements):
        def check(self, provider: Provider) -> None:
            return

    runs = instead(requirements=_Hopes)


class RunsOtherDefaultPort(Defect):
    """Somebody's framework has another default."""

    id = "runs-other-default-port"
    summary = "the port is 3000 where none is set"
    touches = ("runs",)

    class _Other(Configuration):
        def settings(self, environment: Mapping[str, str]) -> Settings:
            return super().settings({"PORT": "3000", **environment})

    shared = instead(configuration=_Other)


class WrongSettingLeftAlone(Defect):
    """What cannot be read is as good as not set."""

    id = "wrong-setting-left-alone"
    summary = "a setting with a value that it cannot have is left alone, and its default taken"
    touches = ("gateway",)

    class _Forgives(Configuration):
        def settings(self, environment: Mapping[str, str]) -> Settings:
            try:
                return super().settings(environment)
            except SettingsError as wrong:
                named = [name for name in SETTINGS if name in environment and name in str(wrong)]
                if not named:
                    raise
                return self.settings({name: text for name, text in environment.items() if name not in named})

    shared = instead(configuration=_Forgives)


class MultiplierSettingIgnored(Defect):
    """One and a half was always right."""

    id = "multiplier-setting-ignored"
    summary = "what is earned on a call is 1.5 times its cost, whatever CREDIT_MULTIPLIER says"

    class _Fixed(Pricing):
        def __init__(self, settings: Settings, prices: Prices) -> None:
            super().__init__(replace(settings, credit_multiplier=Fraction(3, 2)), prices)

    gateway = instead(pricing=_Fixed)


class CustomMultiplierSettingIgnored(Defect):
    """Ten was always right."""

    id = "custom-multiplier-setting-ignored"
    summary = "a thousand tokens of a custom endpoint cost 10 credits, whatever the setting says"

    class _Fixed(Pricing):
        def __init__(self, settings: Settings, prices: Prices) -> None:
            super().__init__(replace(settings, openai_custom_credit_multiplier=Fraction(10)), prices)

    gateway = instead(pricing=_Fixed)
