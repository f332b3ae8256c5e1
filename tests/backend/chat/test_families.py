"""What each family is asked, and what its chunks say."""

import pytest

from harness.backend.chat.families import METRICS, Llama, Nova, Piece, Titan
from harness.backend.chat.models import ChatModels
from harness.backend.chat.request import Ask, Message
from harness.backend.failure import Kind, UpstreamError

TALK = Ask((Message("user", "Hi"), Message("assistant", "Yes?"), Message("user", "Go on")), "any", None)


def test_nova_is_asked_in_messages_of_blocks():
    assert Nova().body(TALK) == {
        "inferenceConfig": {"max_new_tokens": 2000, "temperature": 0.7, "top_p": 0.9},
        "messages": [
            {"role": "user", "content": [{"text": "Hi"}]},
            {"role": "assistant", "content": [{"text": "Yes?"}]},
            {"role": "user", "content": [{"text": "Go on"}]},
        ],
    }


def test_titan_is_asked_in_one_text():
    assert Titan().body(TALK) == {
        "inputText": "User: Hi\nBot: Yes?\nUser: Go on\nBot:",
        "textGenerationConfig": {"maxTokenCount": 2000, "temperature": 0.7, "topP": 0.9},
    }


def test_llama_is_asked_in_its_chat_template():
    assert Llama().body(TALK) == {
        "prompt": (
            "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\nYes?<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nGo on<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n"
        ),
        "max_gen_len": 2000,
        "temperature": 0.7,
        "top_p": 0.9,
    }


COUNTED = {"inputTokenCount": 3, "outputTokenCount": 5}


@pytest.mark.parametrize(
    ("family", "chunk", "piece"),
    [
        (Nova, {"messageStart": {"role": "assistant"}}, Piece()),
        (Nova, {"contentBlockDelta": {"delta": {"text": "a"}, "contentBlockIndex": 0}}, Piece("a")),
        (Nova, {"messageStop": {"stopReason": "end_turn"}}, Piece("", True)),
        (Nova, {"metadata": {"usage": {"inputTokens": 1, "outputTokens": 2}}}, Piece(usage=(1, 2))),
        (Nova, {"metadata": {}, METRICS: COUNTED}, Piece(last=True, usage=(3, 5))),
        (Titan, {"outputText": "a", "index": 0, "completionReason": None}, Piece("a")),
        (Titan, {"outputText": "", "completionReason": "FINISH", METRICS: COUNTED}, Piece("", True, True, (3, 5))),
        (Llama, {"generation": "a", "stop_reason": None}, Piece("a")),
        (Llama, {"generation": "", "stop_reason": "stop", METRICS: COUNTED}, Piece("", True, True, (3, 5))),
        (Llama, {"generation": "", "stop_reason": "length", "prompt_token_count": 1, "generation_token_count": 2},
         Piece("", True, False, (1, 2))),
        (Nova, {}, Piece()),
        (Nova, {"contentBlockDelta": None, "metadata": [], METRICS: None}, Piece(last=True)),
    ],
)  # fmt: skip
def test_a_chunk_says_its_text_its_end_and_its_counts(family, chunk, piece):
    assert family().piece(chunk) == piece


@pytest.mark.parametrize(
    ("family", "chunk"),
    [(Nova, {"contentBlockDelta": {"delta": {"text": 7}}}), (Titan, {"outputText": ["a"]}), (Llama, {"generation": 1})],
)
def test_a_text_that_is_none_is_no_answer(family, chunk):
    with pytest.raises(UpstreamError) as told:
        family().piece(chunk)
    assert told.value.kind is Kind.INVALID


def test_every_listed_model_has_a_family():
    models = ChatModels()
    assert len(models.listed()) == 4
    assert all(models.family(one["id"]).body(TALK) for one in models.listed())
