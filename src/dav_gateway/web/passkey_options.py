"""What the script asks for before it shows a passkey, at each place where one can be shown."""

import json

from starlette.responses import JSONResponse, Response

from dav_gateway.service.web_sessions import Visit
from dav_gateway.web.context import Context


def at_first(context: Context) -> Response:
    """For somebody who is not known yet."""
    return _options(context, None)


def at_this_step(context: Context) -> Response:
    """For the step at which this session stands."""
    return _options(context, context.visit)


def _options(context: Context, visit: Visit | None) -> Response:
    context.services.sign_in.count_begun(context.asker)
    options = context.services.sign_in.passkey_options(visit)
    return JSONResponse({"options": json.loads(options.json), "handle": options.handle})
