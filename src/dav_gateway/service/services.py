"""All use cases of one process on one database, put together once and handed to whoever serves or commands."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from dav_gateway.bus.opening import open_bus
from dav_gateway.core.client_family import FamilyPolicy
from dav_gateway.core.moment import Moment
from dav_gateway.core.verifier import ARGON2ID, HUMAN, Profile
from dav_gateway.core.worker_place import WorkerPlace
from dav_gateway.service.accounts import Accounts
from dav_gateway.service.api_keys import ApiKeys
from dav_gateway.service.changing import Changing
from dav_gateway.service.chores import Chore, Chores
from dav_gateway.service.cutter import Cutter, NoConnections, Owed
from dav_gateway.service.directory import Directory
from dav_gateway.service.first_use import FirstUse
from dav_gateway.service.forms import Forms
from dav_gateway.service.hashing import Hashing
from dav_gateway.service.issuing import Issuing
from dav_gateway.service.lease import Watchdog
from dav_gateway.service.login_flow import LoginFlow
from dav_gateway.service.mail.notices import Notices
from dav_gateway.service.mail.sender import Post, Sender
from dav_gateway.service.memo import Memo
from dav_gateway.service.page_services import PageOptions, PageServices, assemble_page
from dav_gateway.service.removals import forget_old_removals
from dav_gateway.service.revocation import Revocation
from dav_gateway.service.setup_links import SetupLinks
from dav_gateway.service.sign_in import SignIns
from dav_gateway.service.throttle import Throttle
from dav_gateway.service.usage import Usage
from dav_gateway.service.verification import Verification
from dav_gateway.service.watch import Watcher
from dav_gateway.service.web_sessions import WebSessions
from dav_gateway.store.database import Database, system_clock


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases. `watcher`, `usage` and `chores` have threads of their own: a process that serves starts and
    stops them."""

    database: Database
    clock: Callable[[], Moment]
    verification: Verification
    issuing: Issuing
    revocation: Revocation
    changing: Changing
    accounts: Accounts
    directory: Directory
    usage: Usage
    watcher: Watcher
    page: PageServices
    login_flow: LoginFlow
    setup_links: SetupLinks
    api_keys: ApiKeys
    notices: Notices
    post: Post | None
    chores: Chores
    sessions: WebSessions
    sign_in: SignIns
    forms: Forms
    family_policy: FamilyPolicy

    def start(self) -> None:
        """Begin the background work of a process that serves. Raises StoreUnavailable."""
        self.watcher.start()
        self.usage.start()
        self.chores.start()

    def stop(self) -> None:
        """End it; what the owners should see is written first."""
        self.chores.stop()
        self.watcher.stop()
        self.usage.stop()


def assemble(
    database: Database,
    *,
    cutter: Cutter | None = None,
    clock: Callable[[], Moment] = system_clock,
    choose: Callable[[int], bytes] = secrets.token_bytes,
    profile: Profile = ARGON2ID,
    human_profile: Profile = HUMAN,
    family_policy: FamilyPolicy = FamilyPolicy.ENFORCE,
    company: str = "",
    language: str = "en",
    watchdog: Watchdog | None = None,
    place: WorkerPlace | None = None,
    page: PageOptions | None = None,
    post: Post | None = None,
) -> Services:
    """The services of one process.

    `cutter` owns its connections (None: it serves nobody); `profile` keeps app passwords and `human_profile` the
    passwords for the page; `company` stands on the directory's cards; `language` is of accounts that name none;
    `watchdog` and `place` are a worker's; `page` is for signing in to the page; without
    `post` no mail is asked for.
    """
    cutter = cutter or NoConnections()
    hashing = Hashing(profile, choose)
    directory = Directory(company)
    bus = open_bus(database)
    owed = Owed()
    notices = Notices(enabled=post is not None)
    revocation = Revocation(database, bus, cutter, clock, mail=notices, owed=owed)
    usage = Usage(database, clock)
    human = Hashing(human_profile, choose)
    people = Accounts(database, revocation, directory, human, clock, language=language)
    issuing = Issuing(database, hashing, revocation, clock, choose, mail=notices)
    login_flow = LoginFlow(database, issuing, clock, choose)
    setup_links = SetupLinks(database, issuing, clock, choose)
    forms = Forms(database, clock, choose)
    page_options = page or PageOptions(company=company)
    sessions = WebSessions(database, clock, choose, policy=page_options.policy)
    page_services = assemble_page(
        database, people, revocation, human, clock=clock, choose=choose, options=page_options, notices=notices
    )
    if post is not None:
        post.reset_link = lambda account: page_services.passwords.make(account.name, by=account.name).url
    return Services(
        database=database,
        clock=clock,
        verification=Verification(
            database,
            hashing,
            Memo(choose(32)),
            Throttle(clock),
            clock,
            usage=usage,
            first_use=FirstUse(database, revocation, clock, family_policy, notices),
            family_policy=family_policy,
        ),
        issuing=issuing,
        revocation=revocation,
        changing=Changing(revocation),
        accounts=people,
        directory=directory,
        usage=usage,
        watcher=Watcher(bus, cutter, clock, on_expired=usage.expired, watchdog=watchdog, place=place, owed=owed),
        page=page_services,
        login_flow=login_flow,
        setup_links=setup_links,
        api_keys=ApiKeys(database, clock, choose),
        notices=notices,
        post=post,
        chores=Chores(
            _chores(
                database, clock, login_flow=login_flow, setup_links=setup_links, forms=forms, notices=notices, post=post
            )
        ),
        sessions=sessions,
        sign_in=SignIns(database, page_services, sessions, clock, notices=notices, policy=page_options.policy),
        forms=forms,
        family_policy=family_policy,
    )


def _chores(
    database: Database,
    clock: Callable[[], Moment],
    *,
    login_flow: LoginFlow,
    setup_links: SetupLinks,
    forms: Forms,
    notices: Notices,
    post: Post | None,
) -> list[Chore]:
    """What is done in the background, and how often in seconds."""
    chores = [
        Chore("putting away sign-ins of devices", 60, lambda _should_stop: login_flow.sweep()),
        Chore("putting away what was just shown", 10, lambda _should_stop: forms.shown_again.sweep()),
        Chore("putting away set-up links", 3600, lambda _should_stop: setup_links.sweep()),
        Chore("forgetting old removals", 86_400, lambda should_stop: forget_old_removals(database, should_stop)),
    ]
    if post is not None:
        sender = Sender(database, post, clock)
        chores += [
            Chore("asking for reminders", 3600, lambda _should_stop: notices.remind(database, clock())),
            Chore("sending mail", 1, sender.deliver),
            Chore("putting away sent mail", 86_400, lambda _should_stop: sender.sweep()),
        ]
    return chores
