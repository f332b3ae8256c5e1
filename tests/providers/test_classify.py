"""Every exchange has a place: whose API, which call, which dialect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.providers.classify import HOSTS, PATHS, Classified, classify, split_url

CASES = [
    ("POST https://api.openai.com/v1/chat/completions", "openai", "chat.completions", "openai"),
    ("POST https://api.openai.com:443/v1/chat/completions?x=1", "openai", "chat.completions", "openai"),
    ("POST https://api.openai.com/v1/responses", "openai", "responses", "openai-responses"),
    ("GET https://api.openai.com/v1/responses/resp_1", "openai", "responses.other", None),
    ("POST https://api.openai.com/v1/embeddings", "openai", "embeddings", "openai"),
    ("GET https://api.openai.com/v1/models", "openai", "models.list", None),
    ("GET https://api.openai.com/v1/models/gpt-4o", "openai", "models.list", None),
    ("DELETE https://api.openai.com/v1/models/ft:x", "openai", "models.delete", None),
    ("POST https://api.openai.com/v1/completions", "openai", "completions", "openai"),
    ("POST https://api.openai.com/v1/images/generations", "openai", "images", None),
    ("POST https://api.openai.com/v1/audio/speech", "openai", "audio", None),
    ("GET https://api.openai.com/v1/files/file-1/content", "openai", "files", None),
    ("POST https://api.openai.com/v1/moderations", "openai", "moderations", None),
    ("POST https://api.openai.com/v1/batches", "openai", "batches", None),
    ("POST https://api.openai.com/v1/threads/t/runs", "openai", "threads", None),
    ("GET https://api.openai.com/v1/assistants", "openai", "assistants", None),
    ("POST https://api.openai.com/v1/vector_stores/v/files", "openai", "vector_stores", None),
    ("POST https://api.openai.com/v1/chatkit/sessions", "openai", "chatkit.sessions.create", "chatkit"),
    ("POST https://api.openai.com/v1/chatkit/sessions/s/messages", "openai", "chatkit.messages.create", "chatkit"),
    ("GET https://api.openai.com/v1/chatkit/sessions/s/messages?limit=5", "openai", "chatkit.messages.list", "chatkit"),
    ("POST https://api.openai.com/v1/chatkit/sessions/s/cancel", "openai", "chatkit", None),
    ("POST https://x.openai.azure.com/openai/deployments/d/chat/completions", "azure", "chat.completions", "openai"),
    ("POST https://x.services.ai.azure.com/models/chat/completions", "azure", "chat.completions", "openai"),
    ("POST https://api.groq.com/openai/v1/chat/completions", "groq", "chat.completions", "openai"),
    ("POST https://openrouter.ai/api/v1/chat/completions", "openrouter", "chat.completions", "openai"),
    ("POST https://api.anthropic.com/v1/messages", "anthropic", "messages", "anthropic"),
    ("POST https://api.anthropic.com/v1/messages/count_tokens", "anthropic", "messages.count_tokens", "anthropic"),
    ("GET https://api.anthropic.com/v1/messages/batches/b", "anthropic", "batches", None),
    ("POST https://bedrock-runtime.us-east-1.amazonaws.com/model/m%3A0/invoke", "bedrock", "invoke", "bedrock"),
    ("POST https://bedrock-runtime.us-east-1.amazonaws.com/model/m:0/converse", "bedrock", "converse", "bedrock"),
    ("POST https://bedrock-runtime.<R>.amazonaws.com/model/m/converse-stream", "bedrock", "converse-stream", "bedrock"),
    (
        "POST https://bedrock-runtime.eu-west-1.amazonaws.com/model/m/invoke-with-response-stream",
        "bedrock",
        "invoke-with-response-stream",
        "bedrock",
    ),
    ("POST https://bedrock-mantle.us-east-1.api.aws/v1/responses", "bedrock-mantle", "responses", "openai-responses"),
    (
        "POST https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse",
        "gemini",
        "streamGenerateContent",
        "gemini",
    ),
    ("POST https://generativelanguage.googleapis.com/v1beta/models/m:countTokens", "gemini", "countTokens", "gemini"),
    (
        "POST https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
        "gemini",
        "chat.completions",
        "openai",
    ),
    ("POST https://us-east5-aiplatform.googleapis.com/v1/p/m@1:rawPredict", "vertex", "rawPredict", "anthropic"),
    ("POST https://aiplatform.googleapis.com/v1/p/m:generateContent", "vertex", "generateContent", "gemini"),
    ("POST https://aiplatform.us.rep.googleapis.com/v1/p/m@1:rawPredict", "vertex", "rawPredict", "anthropic"),
    (
        "POST http://localhost:1/v1/publishers/anthropic/models/m:streamRawPredict",
        "vertex",
        "streamRawPredict",
        "anthropic",
    ),
    ("POST http://localhost:1/v1/publishers/google/models/m:generateContent", "vertex", "generateContent", "gemini"),
    ("POST http://localhost:1/v1beta/models/m:generateContent", "gemini", "generateContent", "gemini"),
    ("GET http://localhost:1/v1beta1/publishers/google/models", "vertex", "models.list", None),
    ("POST https://oauth2.googleapis.com/token", "vertex", "token", None),
    ("POST https://api.x.ai/v1/chat/completions", "xai", "chat.completions", "openai"),
    ("POST https://api.mistral.ai/v1/chat/completions", "mistral", "chat.completions", "openai"),
    ("POST https://api.deepseek.com/chat/completions", "deepseek", "chat.completions", "openai"),
    ("POST https://api.perplexity.ai/chat/completions", "perplexity", "chat.completions", "openai"),
    (
        "POST https://router.huggingface.co/novita/v3/openai/chat/completions",
        "huggingface",
        "chat.completions",
        "openai",
    ),
    ("POST https://api.together.xyz/v1/chat/completions", "together", "chat.completions", "openai"),
    ("POST https://api.cohere.com/v2/chat", "cohere", "chat", "cohere"),
    ("POST http://localhost:11434/api/chat", "ollama", "chat", "ollama"),
    ("POST http://localhost:11434/v1/chat/completions", "ollama", "chat.completions", "openai"),
    ("POST <OLLAMA_API_BASE>/chat/completions", "ollama", "chat.completions", "openai"),
    ("POST http://localhost:8080/v1/chat/completions", "compatible", "chat.completions", "openai"),
    ("POST /chat/completions", "compatible", "chat.completions", "openai"),
    ("POST /model/amazon.nova-micro-v1%3A0/invoke", "bedrock", "invoke", "bedrock"),
    ("GET https://example.org/file.pdf", "unknown", "other", None),
]


@pytest.mark.parametrize(("call", "provider", "endpoint", "dialect"), CASES, ids=[case[0] for case in CASES])
def test_a_call_is_told_by_host_and_path(call: str, provider: str, endpoint: str, dialect: str | None):
    method, url = call.split(" ", 1)
    assert classify(method, url) == Classified(provider, endpoint, dialect)
    assert classify(method.lower(), url) == Classified(provider, endpoint, dialect)


def test_an_answers_headers_tell_who_answered_where_the_address_does_not():
    url = "http://localhost:3000/router/openai/v1/chat/completions"
    assert classify("POST", url, response_headers=(("Openai-Processing-Ms", "5"),)).provider == "openai"
    assert classify("POST", url, response_headers=(("X-Groq-Region", "x"),)).provider == "groq"
    assert classify("POST", url, response_headers=(("X-Other", "x"),)).provider == "compatible"


def test_a_request_with_only_a_path_is_told_by_its_host_field():
    assert classify("POST", "/v1/responses", (("Host", "api.openai.com"),)).provider == "openai"


@pytest.mark.parametrize(
    ("body", "endpoint"),
    [
        (b'{"id":"x","object": "chat.completion","choices":[]}', "chat.completions"),
        (b'data: {"object":"chat.completion.chunk"}\n\n', "chat.completions"),
        (b'event: response.created\ndata: {"type":"response.created"}\n\n', "responses"),
        (b'event: message_start\ndata: {"type":"message_start"}\n\n', "messages"),
        (b'{"candidates": []}', "generateContent"),
    ],
)
def test_an_answers_shape_tells_the_call_where_no_path_does(body: bytes, endpoint: str):
    assert classify("POST", "https://gateway.example/x", response_body=body).endpoint == endpoint


def test_a_requests_shape_tells_the_call_where_the_answer_is_an_error():
    body = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
    found = classify("POST", "https://gateway.example/x", request_body=body, response_body=b"no")
    assert found == Classified("compatible", "chat.completions", "openai")


@pytest.mark.parametrize(
    ("body", "dialect"),
    [
        (b'{"error": {"message": "m", "type": "t", "param": null, "code": "c"}}', "openai"),
        (b'{"type":"error","error":{"type":"t","message":"m"}}', "anthropic"),
        (b'{"error": {"message": "m"}}', None),
    ],
)
def test_an_error_object_alone_tells_the_dialect_and_no_call(body: bytes, dialect: str | None):
    want = Classified("compatible", "error", dialect) if dialect else Classified("unknown", "other", None)
    assert classify("", "", response_body=body) == want


def test_googles_error_object_alone_tells_the_dialect_too():
    body = b'{\n  "error": {\n    "code": 404,\n    "message": "no",\n    "status": "NOT_FOUND"\n  }\n}'
    assert classify("", "", response_body=body) == Classified("gemini", "error", "gemini")


def test_openrouters_own_answer_is_its_own_under_any_address():
    body = b'data: {"id":"gen-1753242299-QZ","provider":"Novita","object":"chat.completion.chunk"}\n\n'
    assert classify("POST", "https://api.openai.com/v1/chat/completions", response_body=body).provider == "openrouter"


def test_an_echo_service_is_no_llm_whatever_its_path():
    url = "https://demo-endpoints.pydantic.workers.dev/bin/chat/completions"
    assert classify("POST", url) == Classified("unknown", "other", None)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://User:pw@API.example:8080/a/b?c#d", ("api.example:8080", "/a/b")),
        ("/a?b", ("", "/a")),
        ("", ("", "")),
        ("http://[bad", ("[bad", "")),
    ],
)
def test_a_url_is_split_whatever_it_is(url: str, parts: tuple[str, str]):
    assert split_url(url) == parts


def test_the_tables_have_no_entry_twice():
    assert len({host for host, _ in HOSTS}) == len(HOSTS)
    assert len({(call.path, call.method, call.providers) for call in PATHS}) == len(PATHS)


@given(st.text(), st.text(), st.binary(), st.binary())
def test_anything_is_classified(method: str, url: str, request: bytes, response: bytes):
    found = classify(method, url, (("host", url),), request, ((method, url),), response)
    assert found.provider
    assert found.endpoint
