"""Pages from templates: one HTML file each, which needs nothing else and asks nobody."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from cclcc_cli.report.render.text import cell_text, sort_value


def load_templates() -> Environment:
    """The templates of reports, which show and sort the cells of tables.

    Whatever they are given is escaped, and nothing may be missing.
    """
    templates = Environment(
        loader=PackageLoader("cclcc_cli.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )
    templates.globals.update(cell_text=cell_text, sort_value=sort_value)
    return templates
