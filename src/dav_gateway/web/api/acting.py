"""The operations of the API that give and take away: each goes through the services of the page."""

from dav_gateway.core.account import Account
from dav_gateway.core.credential import Credential, Origin, Service
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.core.scope import Access, Scope
from dav_gateway.core.secret import AppPassword
from dav_gateway.service.revocation import Limits
from dav_gateway.service.wish import networks_from
from dav_gateway.web.api import records
from dav_gateway.web.api.call import Answer, Call

WHY = "API"


def issue(call: Call) -> Answer:
    """A new app password, whose text is in this answer and nowhere else."""
    owner, body = call.owner(), call.body
    password, credential = call.services.issuing.issue(
        owner.name,
        service=Service(body["service"]),
        scopes=[Scope(each) for each in body["scopes"]],
        access=Access(body.get("access", Access.READ_WRITE)),
        collections=body.get("collections"),
        networks=body.get("networks", ()),
        expires_at=_end(call),
        label=body.get("label", ""),
        origin=Origin.API,
        actor=call.actor,
    )
    return _made(call, password, credential, owner)


def rename(call: Call) -> Answer:
    """Another label."""
    call.services.issuing.rename(call.params["id"], call.body["label"], actor=call.actor)
    return call.told()


def resume(call: Call) -> Answer:
    """Let it act again."""
    call.services.revocation.resume(call.params["id"], by=call.actor)
    return call.told()


def rotate(call: Call) -> Answer:
    """A successor; the old one ends when the successor is first used."""
    _, owner = call.found()
    password, credential = call.services.issuing.rotate(call.params["id"], origin=Origin.API, actor=call.actor)
    return _made(call, password, credential, owner)


def widen(call: Call) -> Answer:
    """Let it do more. Who asks for it is asked for by the portal, as before an issue."""
    call.services.changing.change(call.params["id"], by=call.actor, may_widen=True, may_narrow=False, **_limits(call))
    return call.told()


def revoke(call: Call) -> Answer:
    """End it; answered when nothing more is sent or stored under it."""
    return records.receipt(call.services.revocation.revoke([call.params["id"]], by=call.actor, why=WHY))


def revoke_all(call: Call) -> Answer:
    """ "I lost a device": every app password of an account."""
    return records.receipt(call.services.revocation.revoke_all(call.owner().name, by=call.actor, why=WHY))


def pause(call: Call) -> Answer:
    """Stop it until it is resumed."""
    return records.receipt(call.services.revocation.pause(call.params["id"], by=call.actor))


def narrow(call: Call) -> Answer:
    """Let it do less."""
    return records.receipt(call.services.revocation.narrow(call.params["id"], by=call.actor, **_limits(call)))


def _limits(call: Call) -> Limits:
    body, limits = call.body, Limits()
    if "scopes" in body:
        limits["scopes"] = frozenset(Scope(each) for each in body["scopes"])
    if "access" in body:
        limits["access"] = Access(body["access"])
    if "collections" in body:
        limits["collections"] = None if body["collections"] is None else frozenset(body["collections"])
    if "networks" in body:
        limits["networks"] = networks_from(body["networks"])
    if "expires_in_days" in body:
        limits["expires_at"] = _end(call)
    return limits


def _end(call: Call) -> Moment | None:
    days = call.body.get("expires_in_days")
    return None if days is None else Moment(call.services.clock() + int(days) * DAY)


def _made(call: Call, password: AppPassword, credential: Credential, owner: Account) -> Answer:
    return {
        "app_password": records.app_password(credential, owner, call.services.clock()),
        "password": password.reveal(),
        "login_name": owner.name,
        "dav_url": call.dav_url,
    }
