"""Admission: never more than the limit, the earliest document first, and no slot is ever lost."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthcpt.engine.slots import Slots

Order = list[int]


async def turn() -> None:
    """Let every task that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


def queue(slots: Slots, priorities: list[int], order: Order) -> list[asyncio.Task[None]]:
    """Tasks that note their place in ``priorities`` when they get a slot."""

    async def wait(place: int, priority: int) -> None:
        await slots.acquire(priority)
        order.append(place)

    return [asyncio.create_task(wait(place, priority)) for place, priority in enumerate(priorities)]


async def cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_no_more_than_the_ceiling_are_admitted() -> None:
    slots, order = Slots(3), Order()
    tasks = queue(slots, [0] * 5, order)
    await turn()
    assert (slots.in_use, slots.waiting, len(order)) == (3, 2, 3)
    slots.release()
    await turn()
    assert (slots.in_use, slots.waiting, len(order)) == (3, 1, 4)
    await cancel(tasks)


async def test_waiters_are_served_by_priority_and_then_in_order_of_arrival() -> None:
    slots, order = Slots(1), Order()
    await slots.acquire(0)
    tasks = queue(slots, [7, 3, 3, 9, 1, 3], order)
    await turn()
    for _ in tasks:
        slots.release()
        await turn()
    assert order == [4, 1, 2, 5, 0, 3]


async def test_a_newcomer_does_not_overtake_those_who_wait() -> None:
    slots, order = Slots(1), Order()
    await slots.acquire(0)
    first = queue(slots, [5], order)
    await turn()
    slots.release()
    late = asyncio.create_task(slots.acquire(0))
    await turn()
    assert order == [0]
    assert not late.done()
    slots.release()
    await asyncio.wait_for(late, 5)
    assert first[0].done()


async def test_overload_shrinks_the_window_once_a_round_trip() -> None:
    slots = Slots(10)
    grants = [await slots.acquire(0) for _ in range(10)]
    for grant in grants:
        slots.overloaded(grant, None)
    assert slots.limit == pytest.approx(7)
    assert slots.shrunk == 1
    for _ in grants:
        slots.release()
    later = await slots.acquire(0)
    slots.overloaded(later, None)
    assert slots.shrunk == 2
    assert slots.limit == pytest.approx(1), "only one request was under way, so no window is known to work"


async def test_the_window_never_closes_altogether() -> None:
    slots = Slots(2)
    for _ in range(20):
        slots.overloaded(await slots.acquire(0), None)
        slots.release()
    assert slots.limit == 1
    await asyncio.wait_for(slots.acquire(0), 5)


async def test_a_shrunken_window_admits_fewer() -> None:
    slots, order = Slots(10), Order()
    grants = [await slots.acquire(0) for _ in range(10)]
    tasks = queue(slots, [0] * 10, order)
    await turn()
    slots.overloaded(grants[0], None)
    for _ in range(3):
        slots.release()
    await turn()
    assert (slots.in_use, len(order)) == (7, 0)
    slots.release()
    await turn()
    assert (slots.in_use, len(order)) == (7, 1)
    await cancel(tasks)


async def test_answers_grow_the_window_by_one_a_window_up_to_the_ceiling() -> None:
    slots = Slots(10)
    grants = [await slots.acquire(0) for _ in range(10)]
    slots.overloaded(grants[0], None)
    for _ in range(7):
        slots.succeeded()
    assert 7.8 < slots.limit <= 8
    for _ in range(200):
        slots.succeeded()
    assert slots.limit == 10


async def test_what_the_window_grows_by_is_given_out_at_once() -> None:
    slots, order = Slots(4), Order()
    slots.overloaded(await slots.acquire(0), None)
    tasks = queue(slots, [0, 0, 0], order)
    await turn()
    assert (slots.limit, order) == (1, [])
    slots.succeeded()
    await turn()
    assert (slots.limit, order) == (2, [0])
    await cancel(tasks)


async def test_answers_alone_change_nothing_at_the_ceiling() -> None:
    slots = Slots(4)
    for _ in range(10):
        slots.succeeded()
    assert (slots.limit, slots.shrunk) == (4, 0)


async def test_a_pause_that_the_server_asks_for_is_kept() -> None:
    slots, order = Slots(4), Order()
    grant = await slots.acquire(0)
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    slots.overloaded(grant, 0.15)
    slots.release()
    late, early = queue(slots, [1, 0], order)
    await turn()
    assert order == []
    await asyncio.wait_for(early, 5)
    assert loop.time() - began_s >= 0.15
    slots.release()
    await asyncio.wait_for(late, 5)
    assert order == [1, 0]


async def test_a_shorter_pause_does_not_cut_a_longer_one() -> None:
    slots, order = Slots(4), Order()
    grant = await slots.acquire(0)
    began_s = asyncio.get_running_loop().time()
    slots.overloaded(grant, 0.15)
    slots.overloaded(grant, 0.01)
    slots.release()
    tasks = queue(slots, [0], order)
    await asyncio.wait_for(asyncio.gather(*tasks), 5)
    assert asyncio.get_running_loop().time() - began_s >= 0.15


async def test_a_waiter_cancelled_in_the_moment_of_its_grant_hands_the_slot_on() -> None:
    slots, order = Slots(1), Order()
    await slots.acquire(0)
    first, second = queue(slots, [0, 1], order)
    await turn()
    slots.release()  # grants the first one, which has not run yet
    first.cancel()
    await asyncio.wait_for(second, 5)
    assert order == [1]
    assert slots.in_use == 1


async def test_cancelled_waiters_do_not_keep_others_waiting() -> None:
    slots, order = Slots(1), Order()
    await slots.acquire(0)
    tasks = queue(slots, [0, 0, 0, 5], order)
    await turn()
    await cancel(tasks[:3])
    slots.release()
    await asyncio.wait_for(tasks[3], 5)
    assert order == [3]


async def test_once_closed_nothing_is_granted() -> None:
    slots, order = Slots(2), Order()
    await slots.acquire(0)
    tasks = queue(slots, [0, 0], order)
    await turn()
    slots.close()
    slots.release()
    slots.release()
    tasks += queue(slots, [0], order)
    await turn()
    assert order == [0]
    await cancel(tasks)


async def test_more_is_asked_for_until_two_windows_wait() -> None:
    slots, order = Slots(2), Order()
    assert await asyncio.wait_for(slots.hungry(0), 5) == 5
    tasks = queue(slots, [0] * 7, order)  # two are sent, five wait
    await turn()
    slots.fed()
    hungry = asyncio.create_task(slots.hungry(0))
    await turn()
    assert not hungry.done()
    slots.release()
    assert await asyncio.wait_for(hungry, 5) == 1
    slots.fed()
    await cancel(tasks)


async def test_the_earliest_document_is_asked_for_more_first_and_one_at_a_time() -> None:
    slots, fed = Slots(1), []

    async def feed(number: int) -> None:
        await slots.hungry(number)
        fed.append(number)
        await asyncio.sleep(0)
        assert fed[-1] == number, "nobody else feeds meanwhile"
        slots.fed()

    await slots.hungry(0)
    tasks = [asyncio.create_task(feed(number)) for number in (3, 1, 2)]
    await turn()
    assert not fed
    called_off = asyncio.create_task(feed(0))
    await turn()
    called_off.cancel()
    slots.fed()
    await asyncio.wait_for(asyncio.gather(*tasks), 5)
    assert fed == [1, 2, 3]


async def test_who_is_called_off_when_its_turn_has_come_passes_it_on() -> None:
    slots = Slots(1)
    await slots.hungry(0)
    first, second = asyncio.create_task(slots.hungry(1)), asyncio.create_task(slots.hungry(2))
    await turn()
    slots.fed()  # the first one's turn has come, and in the same moment
    first.cancel()
    assert await asyncio.wait_for(second, 5) >= 1


steps = st.lists(
    st.tuples(st.sampled_from(["ask", "ask", "finish", "cancel", "overload", "turn"]), st.integers(0, 7)), max_size=60
)


@given(steps, st.integers(1, 4))
@settings(max_examples=200, deadline=None)
def test_whatever_happens_no_slot_is_lost_and_none_is_given_twice(
    schedule: list[tuple[str, int]], ceiling: int
) -> None:
    asyncio.run(play(schedule, ceiling))


async def play(schedule: list[tuple[str, int]], ceiling: int) -> None:
    slots = Slots(ceiling)
    working: set[int] = set()
    finish: dict[int, asyncio.Event] = {}
    tasks: list[asyncio.Task[None]] = []

    async def work(name: int, priority: int, how: str) -> None:
        grant = await slots.acquire(priority)
        working.add(name)
        assert len(working) <= slots.in_use <= ceiling
        try:
            await finish[name].wait()
            if how == "overload":
                slots.overloaded(grant, None)
        finally:
            working.discard(name)
            slots.release()
        slots.succeeded()

    for how, number in schedule:
        if how in ("ask", "overload"):
            finish[len(tasks)] = asyncio.Event()
            tasks.append(asyncio.create_task(work(len(tasks), number % 3, how)))
        elif how == "turn":
            await turn()
        elif tasks:
            name = number % len(tasks)
            finish[name].set() if how == "finish" else tasks[name].cancel()
    for event in finish.values():
        event.set()
    _, pending = await asyncio.wait(tasks, timeout=5) if tasks else (set(), set())
    assert not pending, "a waiter was forgotten"
    assert (slots.in_use, slots.waiting, working) == (0, 0, set())
    assert all(task.cancelled() or task.exception() is None for task in tasks)
    assert 1 <= slots.limit <= ceiling
