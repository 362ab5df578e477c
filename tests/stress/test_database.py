"""PostgreSQL is stopped and started under load: what people are answered, what is kept, and what holds afterwards."""

import pytest

from tests.stress import campaign, report
from tests.stress.campaign import Plan


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.xdist_group("stress")
def test_a_stop_and_a_start_of_the_server_lose_nothing() -> None:
    plan = Plan(
        "postgresql",
        workers=2,
        revocations=40,
        faults=("database",),
        quiet=(2, 3),
        seed=11,
        in_memory=True,
        busy=True,
    )
    result = campaign.run(plan, lambda line: None)
    # Violations would be: an answer that is neither as usual nor 503 with Retry-After, an acknowledged write that is
    # gone, a gateway that does not come back by itself, a revocation afterwards that lets anything slip.
    assert not result.violations, report.as_text([result])
    assert result.faults["database"] >= 1
    assert result.by_status[503] >= 1
    assert result.by_status[207] >= 20
