"""Pages from templates: one HTML file each, which needs nothing else and asks nobody."""

from jinja2 import Environment, PackageLoader, StrictUndefined


def load_templates() -> Environment:
    """The templates of reports; whatever they are given is escaped, and nothing may be missing."""
    return Environment(
        loader=PackageLoader("cclcc_cli.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )
