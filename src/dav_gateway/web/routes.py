"""Every address of the page, who reaches it and what answers."""

from dav_gateway.service.profiles import Profiles
from dav_gateway.service.services import Services
from dav_gateway.web import (
    admin,
    admin_people,
    app_passwords,
    automatic,
    changing,
    devices,
    factors,
    linking,
    live,
    making,
    passkey_options,
    replacing,
    reset_password,
    security,
    sign_in,
    single_sign_on,
)
from dav_gateway.web.api.application import Api
from dav_gateway.web.application import Access, Entry, Pages
from dav_gateway.web.headers import ASGIApplication, Receive, Scope, Send
from dav_gateway.web.site import PageSite

_GET, _POST = ("GET",), ("POST",)
_LIST = "/account/app-passwords"
_ONE = f"{_LIST}/{{id:str}}"

ENTRIES = (
    Entry(_GET, "/", sign_in.front, Access.ANYBODY),
    Entry(_GET, "/login", sign_in.show, Access.ANYBODY),
    Entry(_POST, "/login", sign_in.enter, Access.ANYBODY),
    Entry(_GET, "/login/second", sign_in.show_second, Access.ANYBODY),
    Entry(_POST, "/login/second", sign_in.enter_second, Access.ANYBODY),
    Entry(_POST, "/login/passkey", passkey_options.at_first, Access.ANYBODY),
    Entry(_POST, "/login/second/passkey", passkey_options.at_this_step, Access.ANYBODY),
    Entry(_GET, "/login/single-sign-on/start", single_sign_on.leave_for, Access.ANYBODY),
    Entry(_GET, "/login/single-sign-on", single_sign_on.come_back, Access.ANYBODY),
    Entry(_GET, "/login/set-up", factors.show_codes, Access.ENROL),
    Entry(_POST, "/login/set-up", factors.confirm_codes, Access.ENROL),
    Entry(_GET, "/login/set-up/passkey", factors.show_new_passkey, Access.ENROL),
    Entry(_POST, "/login/set-up/passkey", factors.add_passkey, Access.ENROL),
    Entry(_POST, "/login/set-up/passkey/options", factors.new_passkey_options, Access.ENROL),
    Entry(_GET, "/forgot-password", reset_password.ask, Access.ANYBODY),
    Entry(_POST, "/forgot-password", reset_password.send, Access.ANYBODY),
    Entry(_GET, "/reset-password/{text:str}", reset_password.show, Access.ANYBODY),
    Entry(_POST, "/reset-password/{text:str}", reset_password.redeem, Access.ANYBODY),
    Entry(_POST, "/logout", sign_in.leave, Access.ANYBODY),
    Entry(_GET, "/account", sign_in.front),
    Entry(_GET, "/account/confirm", sign_in.ask_again),
    Entry(_POST, "/account/confirm", sign_in.answer_again),
    Entry(_POST, "/account/confirm/passkey", passkey_options.at_this_step),
    Entry(_GET, _LIST, app_passwords.show),
    Entry(_GET, f"{_LIST}/new", making.show, Access.RECENT),
    Entry(_POST, f"{_LIST}/new", making.make, Access.RECENT),
    Entry(_GET, f"{_LIST}/deleted", app_passwords.show_deleted),
    Entry(_GET, f"{_LIST}/lost", app_passwords.show_lost),
    Entry(_POST, f"{_LIST}/lost", app_passwords.stop_lost),
    Entry(_GET, _ONE, app_passwords.show_one),
    Entry(_GET, f"{_ONE}/live", live.look, quiet=True),
    Entry(_POST, f"{_ONE}/rename", app_passwords.rename),
    Entry(_GET, f"{_ONE}/change", changing.show),
    Entry(_POST, f"{_ONE}/change", changing.change),
    Entry(_POST, f"{_ONE}/pause", app_passwords.pause),
    Entry(_POST, f"{_ONE}/resume", app_passwords.resume),
    Entry(_POST, f"{_ONE}/accept-new-device", app_passwords.accept, Access.RECENT),
    Entry(_GET, f"{_ONE}/rotate", replacing.ask_rotate, Access.RECENT),
    Entry(_POST, f"{_ONE}/rotate", replacing.rotate, Access.RECENT),
    Entry(_POST, f"{_ONE}/again", replacing.make_another, Access.RECENT),
    Entry(_GET, f"{_ONE}/delete", app_passwords.ask_delete),
    Entry(_POST, f"{_ONE}/delete", app_passwords.delete),
    Entry(_GET, f"{_ONE}/removal", app_passwords.show_removal),
    Entry(_GET, "/account/devices", devices.show),
    Entry(_GET, "/account/security", security.show),
    Entry(_POST, "/account/security/password", security.change_password),
    Entry(_POST, "/account/security/sessions", security.end_session),
    Entry(_GET, factors.CODES, factors.show_codes, Access.RECENT),
    Entry(_POST, factors.CODES, factors.confirm_codes, Access.RECENT),
    Entry(_GET, f"{factors.CODES}/off", factors.ask_codes_off, Access.RECENT),
    Entry(_POST, f"{factors.CODES}/off", factors.turn_codes_off, Access.RECENT),
    Entry(_GET, factors.RECOVERY, factors.ask_recovery, Access.RECENT),
    Entry(_POST, factors.RECOVERY, factors.renew_recovery, Access.RECENT),
    Entry(_GET, factors.NEW_PASSKEY, factors.show_new_passkey, Access.RECENT),
    Entry(_POST, factors.NEW_PASSKEY, factors.add_passkey, Access.RECENT),
    Entry(_POST, f"{factors.NEW_PASSKEY}/options", factors.new_passkey_options, Access.RECENT),
    Entry(_GET, "/account/security/passkeys/{id:str}", factors.show_passkey),
    Entry(_POST, "/account/security/passkeys/{id:str}", factors.rename_passkey),
    Entry(_GET, "/account/security/passkeys/{id:str}/remove", factors.ask_remove_passkey, Access.RECENT),
    Entry(_POST, "/account/security/passkeys/{id:str}/remove", factors.remove_passkey, Access.RECENT),
    Entry(_GET, linking.HERE, linking.show, Access.RECENT),
    Entry(_POST, f"{linking.HERE}/unlink", linking.unlink, Access.RECENT),
    Entry(_GET, "/admin/people/{name:str}", admin_people.show, Access.ADMIN),
    Entry(_POST, "/admin/people/{name:str}/link", admin_people.make_link, Access.RECENT_ADMIN),
    Entry(_POST, "/admin/people/{name:str}/second-step-off", admin_people.factors_off, Access.RECENT_ADMIN),
    Entry(_GET, "/admin", admin.show, Access.ADMIN),
    Entry(_GET, "/admin/app-passwords/{id:str}/stop", admin.ask_stop, Access.ADMIN),
    Entry(_POST, "/admin/app-passwords/{id:str}/stop", admin.stop, Access.ADMIN),
)


def pages(services: Services, site: PageSite, profiles: Profiles | None = None) -> ASGIApplication:
    """The page of an installation as an ASGI application. `profiles` makes Apple's; without it they are not signed."""
    made = Pages(services, site, (*ENTRIES, *automatic.ENTRIES))
    made.mount(automatic.endpoints(made, services, site, profiles or Profiles(site.public_url, site.company)))
    return beside(made.application(), Api(services, site.dav_url).application())


def beside(page: ASGIApplication, api: ASGIApplication) -> ASGIApplication:
    """The page, and the API below its own address."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await (api if scope["path"].startswith("/api/") else page)(scope, receive, send)

    return answer
