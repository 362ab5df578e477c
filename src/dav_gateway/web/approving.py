"""The person's side of Login Flow v2: which client asks, what it shall sync, approve or deny.

DAVx5 polls once, when its browser is left (`NextcloudLoginFlow.kt`), so "done" is rendered after the approval is
committed and never before.
"""

from dataclasses import dataclass

from starlette.responses import Response

from dav_gateway.core.client_family import family_of
from dav_gateway.core.credential import Origin
from dav_gateway.core.errors import NotFound, Refusal
from dav_gateway.core.login_flow import Flow, FlowState
from dav_gateway.core.scope import EMPLOYEES, Access
from dav_gateway.service.issuing import MOST_LIVE
from dav_gateway.service.login_flow import service_of
from dav_gateway.service.throttle import prefix_of
from dav_gateway.service.wish import LONGEST_LABEL, Wish, label_from, wish_from
from dav_gateway.web import naming, times
from dav_gateway.web.context import Context
from dav_gateway.web.making import SCOPES, live_count

ACTS = frozenset({"approve", "deny"})


@dataclass(frozen=True, slots=True)
class Over:
    """How a flow ended, in words. `again`: it has to be begun anew on the device."""

    icon: str
    title: str
    text: str
    again: bool = False


def show(context: Context) -> Response:
    """Who asks, and what it shall sync; or how it ended."""
    flow = context.services.login_flow.find(context.params["login"])
    if flow is None or not flow.is_open(context.now):
        return over(context, flow)
    return _form(context, flow)


def decide(context: Context) -> Response:
    """Approve or deny, committed before the answer is made. What was decided before stays so."""
    form, flows, login = context.form, context.services.login_flow, context.params["login"]
    what, act = form.get("what", "both"), form.get("act")
    if what not in SCOPES or act not in ACTS:
        raise Refusal("the form holds a choice that it does not offer")
    flow = flows.find(login)
    if flow is None or not flow.is_open(context.now):
        return over(context, flow)
    try:
        if act == "deny":
            return over(context, flows.deny(login, context.account.name, address=context.asker.address))
        return _approve(context, flow, what)
    except NotFound:
        # Somebody decided between our look and our act.
        return over(context, flows.find(login))


def _approve(context: Context, flow: Flow, what: str) -> Response:
    service = service_of(flow)
    comment = context.form.get("comment").strip() or _proposed(context, flow)
    try:
        label_from(comment, service)
    except Refusal:
        return _form(context, flow, error="comment")
    wish: Wish = wish_from(
        service=service,
        scopes=SCOPES[what],
        access=Access.READ_ONLY if context.form.get("read-only") else Access.READ_WRITE,
        collections=[EMPLOYEES] if what == "employees" else None,
        label=comment,
        origin=Origin.LOGIN_FLOW,
    )
    flows, account = context.services.login_flow, context.account
    try:
        approved = flows.approve(context.params["login"], account.name, wish, address=context.asker.address)
    except NotFound:
        raise
    except Refusal:
        if live_count(context) < MOST_LIVE:
            raise
        return _form(context, flow, error="full")
    return over(context, approved)


def over(context: Context, flow: Flow | None) -> Response:
    """The page for a flow that waits for nobody any more. Its owner learns how it ended, others only that it did."""
    words = context.words
    own = flow is not None and flow.account_id == context.account.id
    state = flow.state if flow is not None else FlowState.EXPIRED
    if own and state in {FlowState.APPROVED, FlowState.COLLECTED}:
        client = client_of(context, flow)
        told = Over(
            "check",
            words.gettext("Approved"),
            words.gettext("Go back to %(client)s: it goes on by itself.", client=client),
        )
    elif own and state is FlowState.DENIED:
        told = Over(
            "refused",
            words.gettext("Denied"),
            words.gettext("No app password was made, and this request cannot be approved any more."),
        )
    elif state in {FlowState.APPROVED, FlowState.COLLECTED, FlowState.DENIED}:
        told = Over(
            "refused",
            words.gettext("This request was answered already"),
            words.gettext("Somebody else approved or denied it. Begin again on the device."),
            again=True,
        )
    else:
        told = Over(
            "clock",
            words.gettext("This request is over"),
            words.gettext("It waits for twenty minutes. Begin again on the device."),
            again=True,
        )
    return context.page("flow-over.html", status=404 if told.again else 200, over=told)


def client_of(context: Context, flow: Flow | None) -> str:
    """The client as a person calls it."""
    family = family_of(flow.client) if flow is not None else None
    return naming.program(context.words, family) if family else context.words.gettext("the device")


def _proposed(context: Context, flow: Flow) -> str:
    return naming.comment_for(context.words, service_of(flow), context.account.display_name)


def _form(context: Context, flow: Flow, *, error: str = "") -> Response:
    form, words = context.form, context.words
    family = family_of(flow.client)
    return context.page(
        "approve.html",
        status=422 if error else 200,
        error=error,
        client=naming.program(words, family) if family else "",
        agent=flow.client,
        service=service_of(flow).value,
        asked=times.ago(words, flow.created_at, context.now),
        here=prefix_of(flow.address) == prefix_of(context.asker.address),
        address=flow.address,
        what=form.get("what", "both"),
        comment=form.get("comment")[:LONGEST_LABEL] or _proposed(context, flow),
        read_only=bool(form.get("read-only")),
        longest=LONGEST_LABEL,
        most=MOST_LIVE,
    )
