SIGN_IN = "/intern/konto/in/"


def language_of(response):
    return response.content.decode().split('<html lang="')[1][:2]


def test_the_staff_side_is_swedish_whatever_the_browser_prefers(client, db):
    response = client.get(SIGN_IN, headers={"Accept-Language": "en"})
    assert language_of(response) == "sv"
    assert response["Content-Language"] == "sv"


def test_a_chosen_language_is_remembered(client, db):
    chosen = client.get(SIGN_IN, {"language": "en"})
    assert chosen.status_code == 302
    assert chosen.headers["Location"] == SIGN_IN
    assert language_of(client.get(SIGN_IN)) == "en"


def test_an_unknown_language_is_neither_kept_nor_shown(client, db):
    assert (
        client.get(SIGN_IN, {"language": "xx"}).cookies.get("django_language") is None
    )
    client.cookies["django_language"] = "<script>"
    assert language_of(client.get(SIGN_IN)) == "sv"


def test_a_form_is_never_turned_into_a_choice_of_language(client, db):
    response = client.post(f"{SIGN_IN}?language=en", {"login": "x", "password": "y"})
    assert response.status_code != 302


def test_the_choice_does_not_reach_the_public_pages(client, db):
    client.get(SIGN_IN, {"language": "en"})
    assert language_of(client.get("/kakor/")) == "sv"
