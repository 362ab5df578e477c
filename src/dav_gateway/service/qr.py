"""QR codes as inline SVG without style attributes, which the page's content security policy would not apply."""

_QUIET_ZONE = 4


def svg(text: str) -> str:
    """The QR code of `text`: black on white in any colour scheme, because readers fail on inverted ones.

    Its size is the stylesheet's: with one of its own it would be cut off there.
    """
    import segno

    drawn: str = segno.make(text, error="m", micro=False).svg_inline(
        border=_QUIET_ZONE, light="#fff", svgclass="qr", lineclass=None, omitsize=True
    )
    return drawn
