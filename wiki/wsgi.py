"""The web process: `granian --interface wsgi wiki.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

from wiki.markup import bounded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wiki.settings")

application = get_wsgi_application()
bounded.start()
