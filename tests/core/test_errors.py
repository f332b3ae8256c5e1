import inspect

import pytest

from harness.core import errors
from harness.core.errors import HarnessError, PortInUse, UnknownName


def test_the_tree_at_the_top_of_the_module_is_the_tree():
    drawn = [line.split("─ ")[1].split()[0] for line in (errors.__doc__ or "").splitlines() if "─ " in line]
    real = [name for name, one in vars(errors).items() if inspect.isclass(one) and issubclass(one, HarnessError)]
    assert sorted(drawn) == sorted(set(real) - {"HarnessError"})


def test_an_error_is_one_line_with_what_where_and_what_to_do():
    error = HarnessError("the file is\nempty", where="a.yaml", fix="Record it again.")
    assert str(error) == "a.yaml: the file is empty. Record it again."


@pytest.mark.parametrize(
    ("name", "nearest"), [("gatway", ("gateway",)), ("chatt", ("chat",)), ("zzzz", ())], ids=["typo", "extra", "far"]
)
def test_an_unknown_name_comes_with_the_nearest(name, nearest):
    error = UnknownName("system", name, ["gateway", "chat", "runs"])
    assert error.nearest == nearest
    assert (nearest[0] if nearest else "There are: chat, gateway, runs") in str(error)


def test_a_port_in_use_is_named():
    assert "port 4000 on 127.0.0.1 is in use" in str(PortInUse("127.0.0.1", 4000))
