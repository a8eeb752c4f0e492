"""Pages that only say something."""

from flask.typing import ResponseReturnValue

from exchange.web.door import blueprint, page


@blueprint.get("/accessibility")
def accessibility() -> ResponseReturnValue:
    """The accessibility statement."""
    return page("accessibility.html")
