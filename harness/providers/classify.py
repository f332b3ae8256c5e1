"""Whose API an exchange is with, and which call of it: by host first, then by path, headers and the body's shape.

Everything that is known stands in the tables of this module, most specific first. A host is one entry of ``HOSTS``,
a call one entry of ``PATHS``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate

from harness.core.recording import Headers

UNKNOWN = "unknown"
OTHER = "other"
COMPATIBLE = "compatible"

CHAT = "chat.completions"
OPENAI = "openai"
RESPONSES = "openai-responses"
ANTHROPIC = "anthropic"
BEDROCK = "bedrock"
CHATKIT = "chatkit"
GEMINI = "gemini"
COHERE = "cohere"
OLLAMA = "ollama"


@dataclass(frozen=True, slots=True)
class Classified:
    """An exchange's place. ``provider`` is who answered (``unknown``: no LLM API that is known; ``compatible``: a known
    dialect at an address that is not), ``endpoint`` which call (``other``: none that is known), ``dialect`` the wire
    protocol of the call's bodies, or None where no body of ours to judge is expected. ``endpoint`` is ``error`` for an
    error object that came alone.
    """

    provider: str
    endpoint: str
    dialect: str | None


HOSTS: tuple[tuple[str, str], ...] = (
    ("api.openai.com", "openai"),
    ("*.openai.azure.com", "azure"),
    ("*.cognitiveservices.azure.com", "azure"),
    ("*.services.ai.azure.com", "azure"),
    ("models.inference.ai.azure.com", "github-models"),
    ("models.github.ai", "github-models"),
    ("api.groq.com", "groq"),
    ("openrouter.ai", "openrouter"),
    ("api.anthropic.com", "anthropic"),
    ("bedrock-runtime*.amazonaws.com", "bedrock"),
    ("bedrock-mantle.*.api.aws", "bedrock-mantle"),
    ("generativelanguage.googleapis.com", "gemini"),
    ("*aiplatform.googleapis.com", "vertex"),
    ("aiplatform.*.rep.googleapis.com", "vertex"),
    ("oauth2.googleapis.com", "vertex"),
    ("api.x.ai", "xai"),
    ("imgen.x.ai", "xai"),
    ("vidgen.x.ai", "xai"),
    ("api.mistral.ai", "mistral"),
    ("codestral.mistral.ai", "mistral"),
    ("api.deepseek.com", "deepseek"),
    ("api.perplexity.ai", "perplexity"),
    ("router.huggingface.co", "huggingface"),
    ("api-inference.huggingface.co", "huggingface"),
    ("*.endpoints.huggingface.cloud", "huggingface"),
    ("huggingface.co", "huggingface"),
    ("api.together.xyz", "together"),
    ("api.together.ai", "together"),
    ("api.fireworks.ai", "fireworks"),
    ("api.cerebras.ai", "cerebras"),
    ("api.sambanova.ai", "sambanova"),
    ("integrate.api.nvidia.com", "nvidia"),
    ("api.cohere.com", "cohere"),
    ("api.cohere.ai", "cohere"),
    ("ollama.com", "ollama"),
    ("api.z.ai", "zai"),
    ("open.bigmodel.cn", "zai"),
    ("api.moonshot.ai", "moonshot"),
    ("api.moonshot.cn", "moonshot"),
    ("dashscope*.aliyuncs.com", "dashscope"),
    ("api.writer.com", "writer"),
    ("api.voyageai.com", "voyage"),
    ("api.avian.io", "avian"),
    ("api.inference.crusoecloud.com", "crusoe"),
    ("us.inference.heroku.com", "heroku"),
    ("*.inference.heroku.com", "heroku"),
    ("*.snowflakecomputing.com", "snowflake"),
    ("ai-gateway.vercel.sh", "vercel-gateway"),
    ("gateway.pydantic.dev", "pydantic-gateway"),
    ("gateway.ai.cloudflare.com", "cloudflare-gateway"),
    ("api.deepgram.com", "deepgram"),
    ("demo-endpoints.pydantic.workers.dev", UNKNOWN),  # echoes what it is asked, under any path
    ("<ollama_api_base>", "ollama"),
    ("<gpustack_api_base>", "gpustack"),
)
"""Host name (a glob) and provider. Recorders put placeholders such as ``<OLLAMA_API_BASE>`` where a host was."""

PORTS: dict[str, str] = {
    "localhost:11434": "ollama",
    "127.0.0.1:11434": "ollama",
    "host.docker.internal:11434": "ollama",
}
"""Local servers that are told by the port they are known for."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an API by its path (a regular expression, searched). ``providers`` bounds it where paths clash."""

    path: str
    endpoint: str
    dialect: str | None
    providers: frozenset[str] = frozenset()
    method: str | None = None


def _of(*names: str) -> frozenset[str]:
    return frozenset(names)


PATHS: tuple[Call, ...] = (
    # Bedrock; the model's colon comes literal and as %3A
    Call(r"/model/[^/]+/invoke-with-response-stream$", "invoke-with-response-stream", BEDROCK),
    Call(r"/model/[^/]+/invoke$", "invoke", BEDROCK),
    Call(r"/model/[^/]+/converse-stream$", "converse-stream", BEDROCK),
    Call(r"/model/[^/]+/converse$", "converse", BEDROCK),
    Call(r"/model/[^/]+/count-tokens$", "count-tokens", None),
    # Gemini and Vertex
    Call(r":streamRawPredict$", "streamRawPredict", ANTHROPIC),
    Call(r":rawPredict$", "rawPredict", ANTHROPIC),
    Call(r":streamGenerateContent$", "streamGenerateContent", GEMINI),
    Call(r":batchGenerateContent$", "batches", None),
    Call(r":generateContent$", "generateContent", GEMINI),
    Call(r":countTokens$", "countTokens", GEMINI),
    Call(r":(?:batchEmbedContents|embedContent)$", "embedContent", GEMINI),
    Call(r":predict$", "predict", None),
    Call(r"/cachedContents(?:/|$)", "cachedContents", None),
    Call(r"/fileSearchStores(?:/|$)", "fileSearchStores", None),
    # OpenAI's dialect, wherever it is mounted
    Call(r"/chat/completions$", CHAT, OPENAI),
    Call(r"/threads(?:/|$)", "threads", None),
    Call(r"/assistants(?:/|$)", "assistants", None),
    Call(r"/vector_stores(?:/|$)", "vector_stores", None),
    Call(r"/chatkit/sessions$", "chatkit.sessions.create", CHATKIT, method="POST"),
    Call(r"/chatkit/sessions/[^/]+/messages$", "chatkit.messages.create", CHATKIT, method="POST"),
    Call(r"/chatkit/sessions/[^/]+/messages$", "chatkit.messages.list", CHATKIT, method="GET"),
    Call(r"/chatkit/", "chatkit", None),
    Call(r"/responses$", "responses", RESPONSES, method="POST"),
    Call(r"/responses/", "responses.other", None),
    Call(r"/conversations(?:/|$)", "conversations", None),
    Call(r"/realtime(?:/|$)", "realtime", None),
    Call(r"/embeddings$", "embeddings", OPENAI),
    Call(r"/moderations$", "moderations", None),
    Call(r"/(?:images|imgen|xai-imgen)(?:/|$)", "images", None),
    Call(r"/(?:audio(?:/|$)|tts$|stt$|listen$|speak$)", "audio", None),
    Call(r"/(?:videos|xai-vidgen-bucket)(?:/|$)", "videos", None),
    Call(r"/fine_tuning(?:/|$)", "fine_tuning", None),
    Call(r"/uploads(?:/|$)", "files", None),
    # Anthropic
    Call(r"/messages/count_tokens$", "messages.count_tokens", ANTHROPIC),
    Call(r"/messages/batches(?:/|$)", "batches", None),
    Call(r"/messages$", "messages", ANTHROPIC),
    Call(r"/complete$", "completions", ANTHROPIC, _of("anthropic")),
    # Files and batches, whoever has them
    Call(r"/batch(?:es)?(?:/|$)", "batches", None),
    Call(r"/files(?:/|$)", "files", None),
    # Cohere, Ollama, Hugging Face and others of their own kind
    Call(r"/v2/chat$", "chat", COHERE, _of("cohere")),
    Call(r"/embed$", "embeddings", COHERE, _of("cohere")),
    Call(r"/generate$", "completions", COHERE, _of("cohere")),
    Call(r"/tokenize$", "tokenize", None, _of("cohere")),
    Call(r"/api/chat$", "chat", OLLAMA),
    Call(r"/api/generate$", "completions", OLLAMA),
    Call(r"/api/embed(?:dings)?$", "embeddings", OLLAMA),
    Call(r"/api/(?:pull|tags|show|ps|version)$", "models.list", None, _of("ollama")),
    Call(r"^/?$", "health", None, _of("ollama")),
    Call(r"^/api/models(?:/|$)", "models.list", None, _of("huggingface")),
    Call(r"^/models/[^/]+/[^/]+$", "inference", None, _of("huggingface")),
    Call(r"/rerank$", "rerank", None),
    Call(r"/ocr$", "ocr", None),
    Call(r"/completions$", "completions", OPENAI),
    Call(r"/(?:available-)?models(?:/[^:]*)?$", "models.list", None, method="GET"),
    Call(r"/models/[^/]+$", "models.delete", None, method="DELETE"),
    Call(r"/organization/", "organization", None, _of("openai")),
    Call(r"(?:/oauth2?(?:/v\d+)?)?/token$", "token", None),
)

MARKS: tuple[tuple[str, str], ...] = (
    ("openai-processing-ms", "openai"),
    ("openai-version", "openai"),
    ("x-groq-region", "groq"),
    ("anthropic-organization-id", "anthropic"),
    ("x-amzn-requestid", "bedrock"),
    ("x-amzn-bedrock-input-token-count", "bedrock"),
)
"""Response headers that tell a provider where the address does not."""

PATH_MARKS: tuple[tuple[re.Pattern[str], str], ...] = ((re.compile(r"/publishers/[^/]+/models(?:/|$)"), "vertex"),)
"""Paths that only one provider has, behind whatever address."""

BODY_MARKS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb'"id":\s*"gen-\d+-[^"]*",\s*"provider":\s*"'), "openrouter"),
)
"""Answers that are one provider's own, whatever the address says: recordings are moved to another host at times."""

Shapes = tuple[tuple[re.Pattern[bytes], str, str | None], ...]

SHAPES: Shapes = (
    (re.compile(rb'"object":\s*"chat\.completion(?:\.chunk)?"'), CHAT, OPENAI),
    (re.compile(rb'"type":\s*"response\.created"|"object":\s*"response"'), "responses", RESPONSES),
    (re.compile(rb'"object":\s*"text_completion"'), "completions", OPENAI),
    (re.compile(rb'"object":\s*"embedding"'), "embeddings", OPENAI),
    (re.compile(rb'"type":\s*"message(?:_start)?"'), "messages", ANTHROPIC),
    (re.compile(rb'"(?:usageMetadata|candidates)":'), "generateContent", GEMINI),
)
"""What the beginning of an answer looks like, where no path tells the call."""

REQUEST_SHAPES: Shapes = (
    (re.compile(rb'"messages":\s*\[\s*\{'), CHAT, OPENAI),
    (re.compile(rb'"contents":\s*\[\s*\{'), "generateContent", GEMINI),
    (re.compile(rb'"inferenceConfig":|"textGenerationConfig":'), "invoke", BEDROCK),
)
"""The same of a request, where the answer (an error, for example) does not tell either and nobody knows the host."""

ERROR = "error"
ERROR_SHAPES: Shapes = (
    (re.compile(rb'"type":\s*"error",\s*"error":\s*\{'), ERROR, ANTHROPIC),
    (re.compile(rb'"error":\s*\{[^{}]*"param":'), ERROR, OPENAI),
    (re.compile(rb'"error":\s*\{\s*"code":\s*\d+,[^{}]*"status":\s*"[A-Z_]+"'), ERROR, GEMINI),
)
"""Error objects, where nothing else tells: whose dialect is known then, and which call is not."""

_URL = re.compile(r"^(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?P<host>[^/?#]*)(?P<path>[^?#]*)")
_HOSTS = tuple((re.compile(translate(glob)), provider) for glob, provider in HOSTS)
_CALLS = tuple((re.compile(call.path), call) for call in PATHS)
_BY_DIALECT = {BEDROCK: "bedrock", GEMINI: "gemini"}


def classify(
    method: str,
    url: str,
    request_headers: Headers = (),
    request_body: bytes = b"",
    response_headers: Headers = (),
    response_body: bytes = b"",
) -> Classified:
    """Whose API a call is of, and which call. Any text is taken; the beginnings of the bodies are enough."""
    host, path = split_url(url)
    if not host:
        host = _header(request_headers, "host")
    provider = _body_marked(response_body) or provider_of(host)
    if provider == UNKNOWN:
        return Classified(UNKNOWN, OTHER, None)
    call = _call(method, path, provider)
    if call is not None:
        endpoint, dialect = call.endpoint, call.dialect
    else:
        endpoint, dialect = _shape(response_body, SHAPES)
        if endpoint == OTHER and provider is None:
            endpoint, dialect = _shape(request_body, REQUEST_SHAPES)
        if endpoint == OTHER and provider is None:
            endpoint, dialect = _shape(response_body, ERROR_SHAPES)
    if provider is None:
        provider = _marked(response_headers) or _path_marked(path)
    if provider is None:
        provider = UNKNOWN if dialect is None else _BY_DIALECT.get(dialect, COMPATIBLE)
    return Classified(provider, endpoint, dialect)


def split_url(url: str) -> tuple[str, str]:
    """A URL's host with its port, in lower case, and its path without query; a bare path has no host."""
    if url.startswith("/"):
        return "", re.split(r"[?#]", url, maxsplit=1)[0]
    found = _URL.match(url)
    return (found["host"].rsplit("@", 1)[-1].lower(), found["path"]) if found else ("", url)


def provider_of(host: str) -> str | None:
    """The provider at a host (``name`` or ``name:port``), or None where no table knows it."""
    if host in PORTS:
        return PORTS[host]
    name = re.sub(r":\d+$", "", host)
    return next((provider for pattern, provider in _HOSTS if pattern.match(name)), None)


def _call(method: str, path: str, provider: str | None) -> Call | None:
    for pattern, call in _CALLS:
        if call.providers and provider not in call.providers:
            continue
        if call.method is not None and call.method != method.upper():
            continue
        if pattern.search(path):
            return call
    return None


def _shape(body: bytes, shapes: Shapes) -> tuple[str, str | None]:
    start = body[:4096]
    return next(((endpoint, dialect) for pattern, endpoint, dialect in shapes if pattern.search(start)), (OTHER, None))


def _body_marked(body: bytes) -> str | None:
    start = body[:4096]
    return next((provider for pattern, provider in BODY_MARKS if pattern.search(start)), None)


def _marked(headers: Headers) -> str | None:
    names = {name.lower() for name, _ in headers}
    return next((provider for name, provider in MARKS if name in names), None)


def _path_marked(path: str) -> str | None:
    return next((provider for pattern, provider in PATH_MARKS if pattern.search(path)), None)


def _header(headers: Headers, wanted: str) -> str:
    return next((value.lower() for name, value in headers if name.lower() == wanted), "")
