"""How Sphinx makes the site. `make docs` runs it; the parts of our own are in _ext/."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# For our extension, and for the oracle and the race, which pages quote.
sys.path[:0] = [str(ROOT / "docs" / "_ext"), str(ROOT)]

import languages

import actfn

project = "actfn"
author = "The actfn developers"
project_copyright = f"%Y, {author}"
version = release = actfn.__version__
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "myst_parser",
    "translated",
    "assets",
    "explorer",
    "mathematics",
    "pages",
    "search_ko",
]
templates_path = ["_templates"]
default_role = "code"
# What is not ours cannot be looked up without a network.
nitpick_ignore_regex = [("py:.*", r"(?!actfn\.).*")]
autodoc_typehints = "none"
myst_heading_anchors = 3

# ---- Languages: editions.py builds both ----

locale_dirs = [str(languages.BUILD / "locale")]
gettext_compact = False
gettext_location = False

# ---- Gallery ----

sphinx_gallery_conf = {
    "examples_dirs": "../gallery",
    "gallery_dirs": "auto_gallery",
    "filename_pattern": r".*",
    "within_subsection_order": "FileNameSortKey",
    "backreferences_dir": "auto_gallery/backreferences",
    "doc_module": ("actfn",),
    "prefer_full_module": {r"actfn\.\w+"},
    "image_scrapers": ("figures.scrape",),
    "reset_modules": ("matplotlib", "figures.reset"),
    "remove_config_comments": True,
    # As the last line of a block, `axes.legend()` is not meant to print an address, nor `axes.set()` a list.
    "ignore_repr_types": r"matplotlib\.|'list'",
    "write_computation_times": False,
    "show_signature": False,
    "plot_gallery": "True",
}

# ---- Looks ----

html_theme = "pydata_sphinx_theme"
html_math_renderer = "katex"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_title = "actfn"
html_search_scorer = str(ROOT / "docs" / "_ext" / "scorer.js")
html_sidebars = {"index": [], "functions/index": [], "explorer": [], "**": ["sidebar-nav-bs"]}
html_theme_options = {
    "show_prev_next": False,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "navbar_end": ["language.html", "theme-switcher", "navbar-icon-links"],
    "search_as_you_type": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": {"**": ["page-toc"], "index": [], "functions/index": [], "guides/choosing": []},
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
