"""The part of the tests that runs beside evolution-data-server, in Debian's own Python, which has its bindings.

It does with Evolution's library what its windows do: looks for calendars at an address, opens one, answers when a
password is asked for. Each line of its input is a call as JSON, `[name, argument, ...]`, and is answered by a line.
"""

import json
import sys
import time

import gi

for name, version in (("EDataServer", "1.2"), ("ECal", "2.0"), ("EBook", "1.2"), ("ICalGLib", "3.0")):
    gi.require_version(name, version)
from gi.repository import EBook, EBookContacts, ECal, EDataServer, GLib, ICalGLib  # noqa: E402

PATIENCE = 20.0
NO_WAIT = 0xFFFFFFFF
CONNECTED = EDataServer.SourceConnectionStatus.CONNECTED
KINDS = {
    "calendars": ("Calendar", "caldav", EDataServer.WebDAVDiscoverSupports.EVENTS),
    "contacts": ("Address Book", "carddav", EDataServer.WebDAVDiscoverSupports.CONTACTS),
}
registry = EDataServer.SourceRegistry.new_sync(None)
passwords, opened, questions = {}, {}, []


def discover(kind, host, port, user, password):
    """What "Find Calendars" and "Find Address Books" show: address and name."""
    _, _, supports = KINDS[kind]
    source, secret = new_source(kind, host, port, user, "/"), named(user, password)
    found = EDataServer.webdav_discover_sources_sync(source, f"http://{host}:{port}/", supports, secret, None)
    return [[each.href, each.display_name] for each in found.out_discovered_sources]


def open_source(kind, host, port, user, password, path):
    """Add a calendar or address book and connect to it; whether that went well."""
    made = new_source(kind, host, port, user, path)
    registry.commit_source_sync(made, None)
    source = registry.ref_source(made.get_uid())
    passwords[source.get_uid()] = named(user, password)
    source.connect("credentials-required", asked_for_password)
    if kind == "calendars":
        client = ECal.Client.connect_sync(source, ECal.ClientSourceType.EVENTS, NO_WAIT, None)
    else:
        client = EBook.BookClient.connect_sync(source, NO_WAIT, None)
    opened[kind] = source, client
    return wait(lambda: source.get_connection_status() == CONNECTED or len(questions) > 1)


def asked_for_password(source, reason, _certificate, _errors, _error):
    """The desktop would show its prompt; a password that was refused is not given again."""
    questions.append(reason.value_nick)
    if reason == EDataServer.SourceCredentialsReason.REQUIRED:
        source.invoke_authenticate(passwords[source.get_uid()], None, None)


def type_password(kind, user, password):
    """The answer to a prompt."""
    source, _ = opened[kind]
    source.invoke_authenticate_sync(named(user, password), None)
    return wait(lambda: source.get_connection_status() == CONNECTED)


def asked(reason=None):
    """Why passwords have been asked for since the last time; with `reason` not before that was one."""
    wait(lambda: reason is None or reason in questions)
    pump()
    since = questions[:]
    questions.clear()
    return since


def refresh(kind):
    opened[kind][1].refresh_sync(None)


def shown(kind):
    """Identifier and title of everything."""
    pump()
    client = opened[kind][1]
    if kind == "calendars":
        return {each.get_uid(): each.get_summary() for each in client.get_object_list_sync("#t", None)[1]}
    return {each.get_property("id"): each.get_property("full-name") for each in client.get_contacts_sync("#t", None)[1]}


def create(kind, text):
    client = opened[kind][1]
    if kind == "calendars":
        whole = ICalGLib.Component.new_from_string(text)
        client.create_object_sync(whole.get_first_component(ICalGLib.ComponentKind.VEVENT_COMPONENT), 0, None)
    else:
        client.add_contact_sync(EBookContacts.Contact.new_from_vcard(text), 0, None)


def change(kind, identifier, title):
    client = opened[kind][1]
    if kind == "calendars":
        event = client.get_object_sync(identifier, None, None)[1]
        event.set_summary(title)
        client.modify_object_sync(event, ECal.ObjModType.ALL, 0, None)
    else:
        contact = client.get_contact_sync(identifier, None)[1]
        contact.set_property("full-name", title)
        client.modify_contact_sync(contact, 0, None)


def remove(kind, identifier):
    client = opened[kind][1]
    if kind == "calendars":
        client.remove_object_sync(identifier, None, ECal.ObjModType.ALL, 0, None)
    else:
        client.remove_contact_by_uid_sync(identifier, 0, None)


def new_source(kind, host, port, user, path):
    extension, backend, _ = KINDS[kind]
    source = EDataServer.Source.new(None, None)
    source.set_display_name(kind)
    source.set_parent(f"{backend}-stub")
    source.get_extension(extension).set_backend_name(backend)
    account = source.get_extension("Authentication")
    account.set_host(host)
    account.set_port(port)
    account.set_user(user)
    account.set_method("plain/password")
    source.get_extension("WebDAV Backend").set_resource_path(path)
    source.get_extension("Security").set_secure(False)
    source.get_extension("Refresh").set_enabled(False)
    return source


def named(user, password):
    parameters = EDataServer.NamedParameters.new()
    parameters.set("username", user)
    parameters.set("password", password)
    return parameters


def wait(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        pump()
        time.sleep(0.02)
    return condition()


def pump():
    while GLib.MainContext.default().iteration(False):
        pass


CALLS = (discover, open_source, type_password, asked, refresh, shown, create, change, remove)
by_name = {call.__name__: call for call in CALLS}
for line in sys.stdin:
    name, *arguments = json.loads(line)
    try:
        answer = {"value": by_name[name](*arguments)}
    except GLib.Error as error:
        answer = {"error": error.message}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
