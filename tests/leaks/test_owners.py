import asyncio
import logging
import socket
import sys

from harness.leaks import owners
from harness.leaks.owners import held


class Holder:
    def __init__(self, **parts):
        self.__dict__.update(parts)


def test_attributes_items_and_closures_are_held():
    kept = Holder()

    def factory():
        return kept

    for root in (Holder(a=[{"b": (kept,)}]), factory, Holder(make=factory).make, {1: Holder(deep=Holder(er=kept))}):
        assert id(kept) in held([root]).ids


def test_what_everything_hangs_on_is_no_way():
    outside = Holder()
    logger = logging.getLogger("owners")
    logger.outside = outside
    root = Holder(module=sys.modules[__name__], kind=type(outside), function=test_what_everything_hangs_on_is_no_way)
    try:
        assert id(outside) not in held([root, Holder(logger=logger)]).ids
    finally:
        del logger.outside


async def test_a_loop_is_no_way():
    task = asyncio.current_task()
    holder = Holder(loop=asyncio.get_running_loop(), task=task)
    found = held([holder]).ids
    assert id(task) in found
    assert id(task.get_coro()) not in found


def test_descriptors_of_sockets_and_files_are_held(tmp_path):
    with socket.socket() as sock, (tmp_path / "log").open("w") as file:
        assert held([Holder(parts=[sock, file])]).descriptors == {sock.fileno(), file.fileno()}
    assert held([Holder(parts=[sock, file])]).descriptors == frozenset()


async def test_the_descriptor_of_a_transport_is_held():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, *listening.getsockname())
        number = transport.get_extra_info("socket").fileno()
        assert number in held([Holder(transport=transport)]).descriptors
        transport.close()


def test_the_search_ends(monkeypatch):
    monkeypatch.setattr(owners, "MOST", 10)
    assert len(held([[Holder() for _ in range(100)]]).ids) == 10
