"""Errors as pages: what happened, then what to do."""

from http import HTTPStatus

from starlette.responses import Response

from dav_gateway.web.context import Context
from dav_gateway.web.language import Words


def error_page(
    context: Context, status: int, *, headers: dict[str, str] | None = None, about_form: bool = False
) -> Response:
    """The page for a status. `about_form`: a form was refused that did not come from a page of ours."""
    title, advice = _texts(context.words, status, about_form=about_form)
    if about_form:
        advice = context.words.gettext("Open %(url)s again and repeat it there.", url=context.site.public_url)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and context.method == "POST":
        # A commit that failed may have happened: nobody knows, so nothing is promised.
        advice = context.words.gettext("Look whether it was done before you repeat it. Repeating does no harm.")
    response = context.page("error.html", status=status, title=title, advice=advice)
    response.headers.update(headers or {})
    return response


def _texts(words: Words, status: int, *, about_form: bool) -> tuple[str, str]:
    if about_form:
        return words.gettext("This form did not come from a page of ours, or it is too old"), ""
    match status:
        case 400 | 415:
            return words.gettext("This request cannot be read"), words.gettext("Go back and try it again.")
        case 403:
            return words.gettext("This is not yours to see"), words.gettext("Only administrators reach this page.")
        case 404:
            return words.gettext("Nothing is here"), words.gettext("The link may be old or mistyped.")
        case 405:
            return words.gettext("This page cannot be opened like that"), words.gettext("Use its button instead.")
        case 413:
            return words.gettext("That is too much for this form"), words.gettext("Shorten what you typed.")
        case 429:
            return (
                words.gettext("Too many attempts from here"),
                words.gettext("Wait a little and try again. Your account is not locked."),
            )
        case 503:
            return (
                words.gettext("We cannot answer right now"),
                words.gettext("Nothing was changed. Try again in a moment; your devices try again by themselves."),
            )
        case _:
            return (
                words.gettext("Something broke on our side"),
                words.gettext("It was written down for the administrator. Try again in a moment."),
            )
