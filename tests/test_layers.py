"""The wiki app starts without the ML app, and the web process without what workers load."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

START_WEB = """
import sys
from wiki.wsgi import application
from django.urls import get_resolver
get_resolver().url_patterns
heavy = {"torch", "transformers", "sentence_transformers", "celery.worker"} & set(sys.modules)
heavy |= {name for name in sys.modules if ".measuring" in name}
print(sorted(heavy))
"""

START_WIKI = """
import sys
from wiki.wsgi import application
from django.urls import get_resolver
get_resolver().url_patterns
print(sorted(name for name in sys.modules if name.split(".")[0] in ("mlhooks", "celery", "kombu")))
"""


def started(program: str, **env: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()


def test_the_web_process_loads_no_model_code():
    assert started(START_WEB) == "[]"


def test_without_the_ml_app_the_wiki_app_loads_nothing_of_it():
    assert started(START_WIKI, WIKI_ML="0") == "[]"


def test_the_heavy_modules_would_be_seen():
    assert started("import torch\n" + START_WEB) == "['torch']"
