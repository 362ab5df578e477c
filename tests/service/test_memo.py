"""The memo: proven secrets of this process, bounded, bound to the verifier, readable by nobody."""

import gc
from concurrent.futures import ThreadPoolExecutor

import pytest

from dav_gateway.service.memo import Memo

KEY = bytes(range(32))


def test_only_the_very_secret_under_the_very_verifier_is_known() -> None:
    memo = Memo(KEY)
    memo.learn("k7mqx", "k7mqx3f9tb", "$blake2b$a$b")
    assert memo.knows("k7mqx", "k7mqx3f9tb", "$blake2b$a$b")
    assert not memo.knows("k7mqx", "k7mqx3f9tc", "$blake2b$a$b")
    assert not memo.knows("k7mqx", "k7mqx3f9tb", "$blake2b$a$c")
    assert not memo.knows("k7mqy", "k7mqx3f9tb", "$blake2b$a$b")


def test_another_process_knows_nothing() -> None:
    memo, other = Memo(KEY), Memo(bytes(32))
    memo.learn("k7mqx", "secret", "v")
    other._known.update(memo._known)
    assert not other.knows("k7mqx", "secret", "v")


def test_the_longest_unused_entry_leaves_first() -> None:
    memo = Memo(KEY, size=3)
    for number in range(3):
        memo.learn(str(number), "secret", "v")
    assert memo.knows("0", "secret", "v")
    memo.learn("3", "secret", "v")
    assert [memo.knows(str(number), "secret", "v") for number in range(4)] == [True, False, True, True]
    assert len(memo) == 3


def test_it_holds_no_secret() -> None:
    memo = Memo(KEY)
    memo.learn("k7mqx", "k7mqx3f9tbx2wnehd4r86pzay", "$verifier$")
    reachable = str([gc.get_referents(memo), list(memo._known)])
    assert "k7mqx" not in reachable
    assert "verifier" not in reachable


def test_threads_share_it() -> None:
    memo = Memo(KEY, size=50)

    def work(thread: int) -> None:
        for number in range(500):
            memo.learn(f"{thread}-{number % 60}", "secret", "v")
            memo.knows(f"{thread}-{number % 60}", "secret", "v")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(memo) == 50


def test_a_short_key_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Memo(b"short")
