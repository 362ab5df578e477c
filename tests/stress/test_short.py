"""The short form: a few hundred revocations on each engine, with faults, in less than a minute altogether.

It goes red when any one mechanism is switched off (`make stress-mutations`).
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.stress import campaign, report
from tests.stress.campaign import Plan

PLANS = {
    "sqlite": Plan("sqlite", workers=2, revocations=150, faults=("kill", "stop", "disk", "clock")),
    "postgresql": Plan("postgresql", workers=2, nodes=2, revocations=120, faults=("kill", "stop", "blackhole")),
}


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("engine", PLANS)
@pytest.mark.xdist_group("stress")
def test_nothing_slips_through(engine: str, record_property: Callable[[str, object], None]) -> None:
    plan = replace(PLANS[engine], in_memory=True, busy=True, quiet=(0.5, 1.0), seed=2026)
    result = campaign.run(plan, lambda line: None)
    record_property("stress", report.as_text([result]))
    assert not result.violations, report.as_text([result])
    assert result.revocations >= plan.revocations
    assert set(result.faults) == set(plan.faults)
    assert result.by_status[207] > 20, "others were served all the while"
