from harness.systems import runs


def test_every_model_goes_to_one_that_goes_to_itself():
    assert all(runs.MODELS[upstream] == upstream for upstream in runs.MODELS.values())
    assert runs.DEFAULT_MODEL in runs.MODELS


def test_a_profile_without_models_has_the_usual_ones():
    assert runs.mapping({}) == runs.MODELS
    assert runs.mapping({"models": [{"id": "a", "upstream": "b"}, {"id": "c"}]}) == {"a": "b", "c": "c"}


def test_the_default_is_the_settings_then_the_profiles_then_the_usual_one():
    declared = {"numbers": {"default_model": "declared"}}
    assert runs.default_model(declared, {runs.DEFAULT_MODEL_SETTING: "set"}) == "set"
    assert runs.default_model(declared, {runs.DEFAULT_MODEL_SETTING: None}) == "declared"
    assert runs.default_model({}, {}) == runs.DEFAULT_MODEL


def test_the_table_has_a_row_for_every_status():
    table = runs.PROVIDER_TABLE
    assert {table.for_status(status).message for status in (500, 502, 529)} == {table.unavailable.message}
    assert table.for_status(401) == table.for_status(403)
    assert table.for_status(418) == table.other
    assert all(outcome.code == runs.FAILURE_CODE for outcome in table.outcomes())
