"""Login Flow v2 against a model: in whatever order things are done, a flow gives one password, after a yes only."""

from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule
from tests.automatic.test_login_flow import PHONE, WISH
from tests.service.conftest import Clock

from dav_gateway.core.errors import NotFound
from dav_gateway.core.login_flow import LIFETIME
from dav_gateway.core.verifier import CHEAPEST
from dav_gateway.service.login_flow import Started, TooManyFlows
from dav_gateway.service.services import assemble
from dav_gateway.store import credentials, migration
from dav_gateway.store.database import open_database


class Flows(RuleBasedStateMachine):
    """The model: for each flow its state and its end."""

    flows: Bundle[Started] = Bundle("flows")

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.database = open_database(f"sqlite:///{self.folder.name}/gateway.db")
        migration.upgrade(self.database)
        self.clock = Clock()
        self.restart()
        self.services.accounts.add(name="ana", email="ana@nogal.example", by="test")
        self.states: dict[str, str] = {}
        self.ends: dict[str, int] = {}
        self.collected = 0

    def teardown(self) -> None:
        self.database.dispose()
        self.folder.cleanup()

    @rule()
    def restart(self) -> None:
        self.services = assemble(self.database, clock=self.clock, profile=CHEAPEST)

    @rule(target=flows)
    def start(self) -> Started:
        try:
            started = self.services.login_flow.start(user_agent="DAVx5/4.5", address=PHONE)
        except TooManyFlows:
            self.restart()
            started = self.services.login_flow.start(user_agent="DAVx5/4.5", address=PHONE)
        self.states[started.login.reveal()] = "started"
        self.ends[started.login.reveal()] = self.clock.now + LIFETIME
        return started

    @rule(flow=flows)
    def look(self, flow: Started) -> None:
        assert (self.services.login_flow.look(flow.login.reveal()) is not None) is self.is_now(flow, "started")

    @rule(flow=flows, yes=st.booleans())
    def decide(self, flow: Started, yes: bool) -> None:
        allowed, login = self.is_now(flow, "started"), flow.login.reveal()
        try:
            if yes:
                self.services.login_flow.approve(login, "ana", WISH)
            else:
                self.services.login_flow.deny(login, "ana")
        except NotFound:
            assert not allowed
            return
        assert allowed
        self.states[login] = "approved" if yes else "denied"

    @rule(flow=flows)
    def collect(self, flow: Started) -> None:
        allowed = self.is_now(flow, "approved")
        assert (self.services.login_flow.collect(flow.poll.reveal(), address=PHONE) is not None) is allowed
        if allowed:
            self.states[flow.login.reveal()] = "collected"
            self.collected += 1
            if self.collected % 10 == 0:
                self.services.revocation.revoke_all("ana", by="ana", why="room")

    @rule(flow=consumes(flows))
    def forget(self, flow: Started) -> None:
        """Fewer flows to choose from, so that each is met more often."""

    @rule(seconds=st.integers(1, 900))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds * 1000)

    @rule()
    def sweep(self) -> None:
        self.services.login_flow.sweep()

    @invariant()
    def one_password_for_each_collection(self) -> None:
        with self.database.read() as connection:
            assert len(credentials.of_account(connection, 1)) == self.collected

    def is_now(self, flow: Started, state: str) -> bool:
        login = flow.login.reveal()
        return self.states[login] == state and self.clock.now < self.ends[login]


TestFlows = Flows.TestCase
TestFlows.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
