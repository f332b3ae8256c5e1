from harness.report.run_json import stored_json


def test_a_killed_run_has_the_fields_of_one_that_finished(run):
    document = stored_json(run)
    assert document["run"] == "r1"
    assert document["cases"] == 3
    assert document["verdicts"]["fail"] == 1
    assert document["verdicts"]["not-applicable"] == 1
    if not run.finished:
        assert document["interrupted"] is True
        (failure,) = [one for one in document["failures"] if one["verdict"] == "fail"]
        assert failure["contract"] == "stream.words-faithful"
        assert [violation["sentence"] for violation in failure["violations"]][1] == "Again."
