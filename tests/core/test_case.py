from harness.core.case import Case, find_tie, tie_text

CASE = Case("reference", "gateway", "chat-plain", "openai", "cut")


def test_a_case_is_named_like_the_path_of_its_cassette():
    assert str(CASE) == "reference/gateway/chat-plain/openai.cut"


def test_the_token_depends_on_the_case_and_the_seed_only():
    assert CASE.token() == Case(*str(CASE).replace(".", "/").split("/")).token(0)
    assert CASE.token(0) != CASE.token(1)


def test_a_tag_is_found_again_in_a_text():
    assert find_tie(f"hello {tie_text(CASE.token(), 12)} there") == f"{CASE.token()}.12"
    assert find_tie("hello [tie:short.1]") is None
