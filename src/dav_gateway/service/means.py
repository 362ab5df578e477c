"""What the use cases of the page work with, handed on as one."""

from collections.abc import Callable
from dataclasses import dataclass, field

from dav_gateway.core.moment import Moment
from dav_gateway.core.sign_in import Policy
from dav_gateway.service.keys import Keys
from dav_gateway.store.database import Database


@dataclass(frozen=True, slots=True)
class Means:
    """`choose(n)` returns n random bytes, fit for secrets; `policy` is the company's about second factors."""

    database: Database
    keys: Keys
    clock: Callable[[], Moment]
    choose: Callable[[int], bytes] = field(repr=False)
    policy: Policy = Policy.OPTIONAL
