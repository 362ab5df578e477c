// The part of the tests that runs inside Thunderbird, with the rights of the program itself. It calls what the windows
// "New calendar" and "New CardDAV address book" call, and keeps a list of every request and of every window that opens.

const { cal } = ChromeUtils.importESModule("resource:///modules/calendar/calUtils.sys.mjs");
const { CardDAVUtils } = ChromeUtils.importESModule("resource:///modules/CardDAVUtils.sys.mjs");
const { CardDAVDirectory } = ChromeUtils.importESModule("resource:///modules/CardDAVDirectory.sys.mjs");
const { DNS } = ChromeUtils.importESModule("resource:///modules/DNS.sys.mjs");
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const { VCardUtils } = ChromeUtils.importESModule("resource:///modules/VCardUtils.sys.mjs");
const { setTimeout } = ChromeUtils.importESModule("resource://gre/modules/Timer.sys.mjs");

// The name server of a machine that runs tests is nobody's business: no SRV, TXT or MX records.
DNS.srv = DNS.txt = DNS.mx = async () => [];

// Marionette refuses every command while a prompt is open, which here is what is looked at: it hears of none.
for (const observer of Services.obs.enumerateObservers("common-dialog-loaded")) {
  Services.obs.removeObserver(observer, "common-dialog-loaded");
}

const origins = new Set();
const requests = [];
const dialogs = [];
const replies = [];
let refreshing;

function header(channel, name) {
  try {
    return channel.getRequestHeader(name);
  } catch {
    return "";
  }
}

Services.obs.addObserver(
  channel => origins.add(channel.QueryInterface(Ci.nsIHttpChannel).URI.prePath),
  "http-on-opening-request"
);

Services.obs.addObserver(channel => {
  channel.QueryInterface(Ci.nsIHttpChannel);
  const [user] = atob(header(channel, "Authorization").replace("Basic ", "")).split(":");
  requests.push({
    method: channel.requestMethod,
    url: channel.URI.spec,
    status: channel.responseStatus,
    authorized: header(channel, "Authorization") != "",
    user,
  });
}, "http-on-examine-response");

// What a person would do with a window: type a user name and a password, say yes, say no. Without a reply the window stays open.
function answer(shown, reply) {
  const { document } = shown.window;
  if (reply.password) {
    document.getElementById("loginTextbox").value = reply.user;
    document.getElementById("password1Textbox").value = reply.password;
    const save = document.getElementById("checkbox");
    save.checked || save.click();
  }
  shown.open = false;
  const dialog = document.querySelector("dialog");
  reply.accept ? dialog.acceptDialog() : dialog.cancelDialog();
}

Services.obs.addObserver(window => {
  window.addEventListener("load", () => {
    // The window's own load listeners come first.
    Services.tm.dispatchToMainThread(() => {
      const { document } = window;
      const shown = {
        address: document.documentURI,
        user: document.getElementById("loginTextbox")?.value ?? "",
        open: true,
        window,
      };
      dialogs.push(shown);
      if (replies.length) {
        answer(shown, replies.shift());
      }
    });
  }, { once: true });
}, "domwindowopened");

async function until(condition) {
  while (!(await condition())) {
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

function calendarAt(path) {
  const found = cal.manager.getCalendars().find(each => each.uri?.pathQueryRef == path);
  return found?.wrappedJSObject;
}

function bookAt(path) {
  const found = MailServices.ab.directories.find(each => each.getStringValue("carddav.url", "").endsWith(path));
  return found && CardDAVDirectory.forFile(found.fileName);
}

// What a book does in the background, as a promise of what went wrong with it; an empty text when nothing did.
function outcome(book, method) {
  return new Promise(resolve => {
    const own = book[method];
    book[method] = function (...given) {
      delete book[method];
      const done = own.apply(this, given);
      done.then(() => resolve(""), error => resolve(error.message));
      return done;
    };
  });
}

function itemOf(text) {
  const parser = Cc["@mozilla.org/calendar/ics-parser;1"].createInstance(Ci.calIIcsParser);
  parser.parseString(text);
  return parser.getItems()[0];
}

globalThis.thunderbird = {
  // What happened

  origins: () => [...origins],

  requests: () => requests.splice(0),

  dialogs: () => dialogs.splice(0).map(({ address, user }) => ({ address, user })),

  async logins() {
    const saved = await Services.logins.getAllLogins();
    return saved.map(each => [each.origin, each.httpRealm, each.username]);
  },

  // What a person does

  willAnswer: reply => void replies.push(reply),

  async openDialog() {
    await until(() => dialogs.some(each => each.open));
    return dialogs.find(each => each.open).address;
  },

  answer: reply => answer(dialogs.find(each => each.open), reply),

  async savePassword(user, password) {
    const [login] = (await Services.logins.getAllLogins()).filter(each => each.username == user);
    const changed = login.clone();
    changed.password = password;
    await Services.logins.modifyLoginAsync(login, changed);
  },

  removePasswords: () => Services.logins.removeAllLoginsAsync(),

  // As after a new start: of passwords only the saved ones are left, and none has been used just now.
  forgetSession() {
    Services.obs.notifyObservers(null, "net:clear-active-logins");
    for (const calendar of cal.manager.getCalendars()) {
      delete calendar.wrappedJSObject.mUncachedCalendar?.wrappedJSObject.calAuthPrompt;
    }
  },

  async forgetAll() {
    for (const shown of dialogs.filter(each => each.open)) {
      answer(shown, { accept: false });
    }
    for (const calendar of cal.manager.getCalendars()) {
      cal.manager.removeCalendar(calendar);
    }
    for (const book of MailServices.ab.directories) {
      if (book.dirType == Ci.nsIAbManager.CARDDAV_DIRECTORY_TYPE) {
        const gone = new Promise(resolve => {
          Services.obs.addObserver(function observer() {
            Services.obs.removeObserver(observer, "addrbook-directory-deleted");
            resolve();
          }, "addrbook-directory-deleted");
        });
        MailServices.ab.deleteAddressBook(book.URI);
        await gone;
      }
    }
    await Services.logins.removeAllLoginsAsync();
    Services.obs.notifyObservers(null, "net:clear-active-logins");
    replies.length = dialogs.length = requests.length = 0;
  },

  // Calendars

  async findCalendars(user, password, location) {
    let found;
    try {
      found = await cal.provider.detection.detect(user, password, location, true, [], {});
    } catch (error) {
      return error.name;
    }
    const names = {};
    for (const calendar of [...found.values()].flat()) {
      calendar.setProperty("cache.enabled", true);
      cal.manager.registerCalendar(calendar);
      names[calendar.uri.pathQueryRef] = [calendar.type, calendar.name];
    }
    for (const path of Object.keys(names)) {
      await calendarAt(path).refresh();
    }
    return names;
  },

  refresh: path => calendarAt(path).refresh(),

  startRefresh(path) {
    refreshing = calendarAt(path).refresh();
  },

  refreshed: () => refreshing,

  async items(path) {
    const items = await calendarAt(path).getItemsAsArray(Ci.calICalendar.ITEM_FILTER_ALL_ITEMS, 0, null, null);
    return Object.fromEntries(items.map(each => [each.id, each.title]));
  },

  disabled: path => Boolean(calendarAt(path).getProperty("disabled")),

  async addItem(path, text) {
    await calendarAt(path).addItem(itemOf(text));
  },

  async changeItem(path, id, title) {
    const calendar = calendarAt(path);
    const before = await calendar.getItem(id);
    const after = before.clone();
    after.title = title;
    await calendar.modifyItem(after, before);
  },

  async deleteItem(path, id) {
    const calendar = calendarAt(path);
    await calendar.deleteItem(await calendar.getItem(id));
  },

  // Address books

  async findBooks(user, location) {
    let found;
    try {
      found = await CardDAVUtils.detectAddressBooks(user, undefined, location, true);
    } catch (error) {
      return error.message;
    }
    const names = {};
    for (const book of found) {
      const filled = new Promise(resolve => {
        Services.obs.addObserver(function observer() {
          Services.obs.removeObserver(observer, "addrbook-directory-synced");
          resolve();
        }, "addrbook-directory-synced");
      });
      book.create();
      await filled;
      names[book.url.pathname] = book.name;
    }
    return names;
  },

  syncBook: path => bookAt(path).syncWithServer().then(() => "", error => error.message),

  startSyncBook(path) {
    refreshing = bookAt(path).syncWithServer().then(() => "", error => error.message);
  },

  cards: path => Object.fromEntries(bookAt(path).childCards.map(each => [each.UID, each.displayName])),

  addCard(path, text) {
    const done = outcome(bookAt(path), "_sendCardToServer");
    bookAt(path).addCard(VCardUtils.vCardToAbCard(text));
    return done;
  },

  changeCard(path, id, name) {
    const book = bookAt(path);
    const card = book.childCards.find(each => each.UID == id);
    card.displayName = name;
    const done = outcome(book, "_sendCardToServer");
    book.modifyCard(card);
    return done;
  },

  deleteCard(path, id) {
    const book = bookAt(path);
    const done = outcome(book, "_deleteCardFromServer");
    book.deleteCards(book.childCards.filter(each => each.UID == id));
    return done;
  },
};
