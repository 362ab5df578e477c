"""Privileges as WebDAV tells them (RFC 3744 section 5): read-only, because nothing here changes by the ACL method.

What the asking credential may do is what its account is told; nobody else has a privilege on anything of the account.
"""

from dav_gateway.core.scope import Access, Kind, Permission, Scope
from dav_gateway.dav.multistatus import href
from dav_gateway.dav.names import clark, element
from dav_gateway.dav.site import Site
from dav_gateway.dav.view import View, principal_path

READ = {
    "D:read-current-user-privilege-set": "See what you may do",
    "D:read-acl": "See what everybody may do",
    "C:read-free-busy": "See busy times",
}
WRITE = {
    "D:write-properties": "Change properties",
    "D:write-content": "Change objects",
    "D:bind": "Add objects",
    "D:unbind": "Remove objects",
}


def _names(view: View) -> list[str]:
    names = ["D:read", "D:read-current-user-privilege-set", "D:read-acl"]
    if view.home is Scope.CALENDARS and view.kind is not Kind.HOME:
        names.append("C:read-free-busy")
    if view.permission is Permission.WRITE:
        names += ["D:write", *WRITE]
    elif may_set_properties(view):
        names += ["D:write-properties"] + (["D:bind", "D:unbind"] if view.kind is Kind.HOME else [])
    return names


def may_set_properties(view: View) -> bool:
    """Whether PROPPATCH may change something here. A password for chosen collections leaves all else alone."""
    credential = view.grant.credential
    listing = view.kind in (Kind.ROOT, Kind.PRINCIPAL, Kind.HOME)
    whole = credential.access is Access.READ_WRITE and credential.collections is None
    return view.permission is Permission.WRITE or (listing and whole)


def _privileges(names: list[str]) -> str:
    return "".join(element(clark("D:privilege"), element(clark(name))) for name in names)


def current_user_privilege_set(view: View, _site: Site) -> str:
    """Section 5.4."""
    return _privileges(_names(view))


def acl(view: View, _site: Site) -> str:
    """Section 5.5: one entry, which cannot be changed, for the account."""
    principal = element(clark("D:principal"), href(principal_path(view.account)))
    grant = element(clark("D:grant"), _privileges(_names(view)))
    return element(clark("D:ace"), f"{principal}{grant}<D:protected/>")


def acl_restrictions(_view: View, _site: Site) -> str:
    """Section 5.6."""
    return "<D:grant-only/><D:no-invert/>"


def supported_privilege_set(_view: View, _site: Site) -> str:
    """Section 5.3: which privileges there are, as a tree."""
    read = _supported("D:read", "Read", "".join(_supported(*each) for each in READ.items()))
    write = _supported("D:write", "Write", "".join(_supported(*each) for each in WRITE.items()))
    return _supported("D:all", "Everything", read + write, abstract=True)


def _supported(name: str, description: str, inner: str = "", *, abstract: bool = False) -> str:
    said = f'<D:description xml:lang="en">{description}</D:description>'
    content = f"{_privileges([name])}{'<D:abstract/>' if abstract else ''}{said}{inner}"
    return element(clark("D:supported-privilege"), content)
