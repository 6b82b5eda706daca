"""Django's application; wiki.rsgi is how the web process serves it."""

import os

from django.core.wsgi import get_wsgi_application

from wiki.rendering import sandbox

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wiki.settings")

application = get_wsgi_application()
sandbox.start()
