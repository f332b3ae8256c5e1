from harness.leaks.leak import MENDS, Kind, Leak, told


def test_each_kind_says_how_it_is_mended():
    assert set(MENDS) == set(Kind)


def test_a_line_for_each_leak_and_one_for_each_kind():
    leaks = [
        Leak(Kind.TASK, "Task-1 (poll) is still pending", "app.py:3"),
        Leak(Kind.TASK, "Task-2 (poll) is still pending", "app.py:3"),
        Leak(Kind.FILE, "descriptor 7, log was never closed", "app.py:9"),
    ]
    assert told(leaks).splitlines() == [
        "left open: task, file",
        "  app.py:3: task: Task-1 (poll) is still pending",
        "  app.py:3: task: Task-2 (poll) is still pending",
        "  app.py:9: file: descriptor 7, log was never closed",
        "to mend it:",
        f"  task: {MENDS[Kind.TASK]}",
        f"  file: {MENDS[Kind.FILE]}",
    ]
