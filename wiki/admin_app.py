"""Django's admin app with the site of wiki.admin_site, which can be imported only later."""

from django.contrib.admin.apps import AdminConfig


class Config(AdminConfig):
    default_site = "wiki.admin_site.Site"
