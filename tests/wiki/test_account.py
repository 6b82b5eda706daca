"""Signing in, once and later; the password; other sessions."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from wiki.accounts import sign_in_links
from wiki.models import Note

pytestmark = pytest.mark.django_db


def test_the_first_link_makes_an_owner_and_works_once(client):
    link = sign_in_links.first_owner_link()
    assert client.get(link).status_code == 200
    assert get_user_model().objects.get().last_login is None
    assert client.post(link).url == "/account/"
    assert client.get("/account/").status_code == 200
    assert Client().post(link).status_code == 410
    assert Client().get("/sign-in/x.y/").status_code == 410


def test_a_link_is_offered_until_an_owner_has_a_password(client):
    client.post(sign_in_links.first_owner_link())
    assert sign_in_links.first_owner_link() is not None
    said = {"new_password1": "a long new password", "new_password2": "a long new password"}
    assert client.post("/account/password/", said).status_code == 302
    assert sign_in_links.first_owner_link() is None
    assert get_user_model().objects.count() == 1


def test_a_new_password_needs_the_old_one_and_ends_other_sessions(alice, alice_client):
    other = Client()
    other.force_login(alice)
    said = {"new_password1": "a long new password", "new_password2": "a long new password"}
    assert alice_client.post("/account/password/", said).status_code == 422
    said["old_password"] = "correct horse battery"
    assert alice_client.post("/account/password/", said).status_code == 302
    assert alice_client.get("/account/").status_code == 200
    assert other.get("/account/").status_code == 302


def test_a_weak_password_is_refused(alice_client):
    said = {
        "old_password": "correct horse battery",
        "new_password1": "short",
        "new_password2": "short",
    }
    reply = alice_client.post("/account/password/", said)
    assert reply.status_code == 422 and "12" in reply.content.decode()


def test_signing_out_everywhere_else(alice, alice_client, bob_client):
    other = Client()
    other.force_login(alice)
    alice_client.post("/account/sessions/")
    assert other.get("/account/").status_code == 302
    assert alice_client.get("/account/").status_code == 200
    assert bob_client.get("/account/").status_code == 200


@pytest.mark.parametrize("url", ["/logout/", "/admin/logout/"])
def test_logout_is_a_post_and_clears_pages_and_drafts(alice_client, url):
    assert alice_client.get(url).status_code == 405
    assert alice_client.post(url)["Clear-Site-Data"] == '"cache"'
    assert alice_client.get("/account/").status_code == 302


def test_login_goes_on_to_where_the_reader_was(client, alice):
    page = client.get("/notes/new/", follow=True).content.decode()
    assert re.search(r'name="next"[^>]*value="/notes/new/"', page)
    said = {"username": "alice", "password": "correct horse battery", "next": "/notes/new/"}
    assert client.post("/login/", said).url == "/notes/new/"
    wrong = client.post("/login/", {**said, "password": "no"})
    assert wrong.status_code in (422, 302)


def test_the_default_owner_is_the_oldest_active_superuser(alice):
    assert sign_in_links.default_owner() is None
    sign_in_links.first_owner_link()
    assert sign_in_links.default_owner().username == "owner"
    assert not Note.objects.exists()
