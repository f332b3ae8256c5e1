"""What a provider takes more than one setting to be asked with: all of them, or there is nothing to ask it with."""

from __future__ import annotations

from .settings import Settings

FILE, PROJECT, TOKEN = "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "VERTEX_AI_ACCESS_TOKEN"


def google_missing(settings: Settings) -> tuple[str, ...]:
    """The settings without which Vertex AI cannot be asked; none where it can.

    A service account's file or an access token, and in either case the project: it stands in the path of every call
    (``projects/{project}/locations/...``), and an access token does not tell it. Of file and token one is enough, so
    where both are named, in this order, either will do.
    """
    missing: list[str] = []
    if not settings.vertex_access_token and not settings.google_application_credentials:
        missing += [FILE, TOKEN]
    if not settings.google_cloud_project:
        missing.append(PROJECT)
    return tuple(missing)


def google_token_missing(settings: Settings) -> tuple[str, ...]:
    """The settings without which there is no access token for Vertex AI; none where there is one, or a file for one.

    That is all that its list of models wants: no project stands in the list's path.
    """
    return () if settings.vertex_access_token or settings.google_application_credentials else google_missing(settings)


def google_key(settings: Settings) -> str:
    """What Vertex AI is asked with: the token, or the file's path; empty where something is missing."""
    if google_missing(settings):
        return ""
    return settings.vertex_access_token or settings.google_application_credentials


def aws_key(settings: Settings) -> str:
    """What Amazon Bedrock is asked with: the secret key, empty where either half of the pair is missing."""
    return settings.aws_secret_access_key if settings.aws_access_key_id else ""
