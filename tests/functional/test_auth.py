"""Accounts: register, login, refresh, logout, addresses, and who is kept out of what."""

import uuid

import pytest
from support.client import ADDRESS, ok, unique_email
from support.shop import refused

PASSWORD = "correct horse battery"


def account(email, **changes):
    return {"email": email, "password": PASSWORD, "first_name": "Ada", "last_name": "Lovelace", **changes}


def refresh(http, token):
    return http.post("/v1/auth/refresh", {"refresh_token": token})


def me(platform, token):
    client = platform.client()
    client.token = token
    return client.get("/v1/me")


def let_the_grace_pass(platform, email):
    """Two tabs may refresh with one token within ten seconds: moves the account's past a minute back."""
    platform.sql("user_db", "UPDATE refresh_tokens SET used_at = used_at - interval '1 minute',"
                            " created_at = created_at - interval '1 minute',"
                            " revoked_at = revoked_at - interval '1 minute'"
                            " WHERE user_id = (SELECT id FROM users WHERE email = %s)", email)


def test_a_new_account_can_log_in_at_once(http):
    email = unique_email()
    assert ok(http.post("/v1/auth/register", account(email)), 202)["status"] == "accepted"
    tokens = http.login(email)
    assert tokens["token_type"] == "Bearer" and tokens["user"]["email"] == email
    assert tokens["user"]["role"] == "customer"
    assert len(tokens["access_token"]) >= 22 and len(tokens["refresh_token"]) >= 22
    profile = ok(http.get("/v1/me"), 200)
    assert profile["email"] == email and profile["first_name"] == "Ada"
    assert "password" not in str(profile).lower()


def test_registering_a_known_e_mail_tells_nothing_and_changes_nothing(platform, http):
    email = http.register()
    first = http.post("/v1/auth/register", account(unique_email()))
    again = http.post("/v1/auth/register", account(email.upper(), password="another password", first_name="Eve"))
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    other = platform.client()
    refused(other.post("/v1/auth/login", {"email": email, "password": "another password"}),
            401, "auth.invalid_credentials")
    assert other.login(email)["user"]["first_name"] == "Ada"


def test_an_e_mail_is_the_same_in_capitals(http):
    email = http.register()
    assert http.login(email.upper())["user"]["email"].lower() == email


def test_a_wrong_password_and_an_unknown_account_get_the_same_answer(http):
    email = http.register()
    http.token = None
    wrong = http.post("/v1/auth/login", {"email": email, "password": "wrong password"})
    unknown = http.post("/v1/auth/login", {"email": unique_email(), "password": "wrong password"})
    for response in (wrong, unknown):
        refused(response, 401, "auth.invalid_credentials")
    assert wrong.json()["detail"] == unknown.json()["detail"]


def test_guessing_a_password_is_slowed_down(http):
    email = http.register()
    http.token = None
    guesses = [http.post("/v1/auth/login", {"email": email, "password": f"guess number {n}"}) for n in range(6)]
    assert [guess.status_code for guess in guesses[:5]] == [401] * 5
    refused(guesses[5], 429, "auth.too_many_attempts")
    assert 1 <= int(guesses[5].headers["Retry-After"]) <= 31
    refused(http.post("/v1/auth/login", {"email": email, "password": PASSWORD}), 429, "auth.too_many_attempts")


@pytest.mark.parametrize("changes, field", [
    ({"email": ""}, "email"), ({"password": "short"}, "password"), ({"first_name": ""}, "first_name"),
    ({"password": "x" * 201}, "password"), ({"phone": 5}, "phone"),
])
def test_an_account_with_a_wrong_field_is_refused(http, changes, field):
    refused(http.post("/v1/auth/register", {**account(unique_email()), **changes}), 400, "request.invalid", field)


@pytest.mark.parametrize("email", ["no-at-sign", "a@b", "two@@example.com", "space in@example.com", "a@example.com\n"])
def test_an_e_mail_that_is_none_is_refused(http, email):
    response = http.post("/v1/auth/register", account(email))
    assert response.status_code in (400, 422), response.text
    assert response.headers["Content-Type"] == "application/problem+json"


def test_a_refresh_token_gives_a_new_pair(platform, http):
    http.register(email := unique_email())
    first = http.login(email)
    second = ok(refresh(http, first["refresh_token"]), 200)
    assert second["refresh_token"] != first["refresh_token"]
    assert me(platform, second["access_token"]).json()["email"] == email


def test_a_refresh_token_that_is_used_again_later_ends_its_family(platform, http):
    http.register(email := unique_email())
    first = http.login(email)
    http.token = None
    second = ok(refresh(http, first["refresh_token"]), 200)
    let_the_grace_pass(platform, email)
    refused(refresh(http, first["refresh_token"]), 401, "auth.invalid_refresh_token")
    refused(refresh(http, second["refresh_token"]), 401, "auth.invalid_refresh_token")


def test_two_tabs_that_refresh_at_the_same_moment_stay_logged_in(http):
    http.register(email := unique_email())
    first = http.login(email)
    http.token = None
    one, other = (ok(refresh(http, first["refresh_token"]), 200) for _ in range(2))
    assert one["refresh_token"] == other["refresh_token"]


@pytest.mark.parametrize("token", ["", "made-up", "x" * 64])
def test_a_made_up_refresh_token_is_refused(http, token):
    response = refresh(http, token)
    assert response.status_code in (400, 401), response.text


def test_logout_ends_the_session_and_its_refresh_token_at_once(platform, http):
    http.register(email := unique_email())
    tokens = http.login(email)
    assert http.post("/v1/auth/logout", {"refresh_token": tokens["refresh_token"]}).status_code in (200, 204)
    refused(me(platform, tokens["access_token"]), 401, "auth.invalid_token")
    refused(refresh(platform.client(), tokens["refresh_token"]), 401, "auth.invalid_refresh_token")


def test_one_session_can_end_another(platform, http):
    http.register(email := unique_email())
    other = platform.client()
    other.login(email)
    sessions = ok(http.get("/v1/me/sessions"), 200)["data"]
    (target,) = [session["id"] for session in ok(other.get("/v1/me/sessions"), 200)["data"] if session["is_current"]]
    assert target in [session["id"] for session in sessions]
    assert http.delete(f"/v1/me/sessions/{target}").status_code == 204
    refused(other.get("/v1/me"), 401, "auth.invalid_token")
    assert http.get("/v1/me").status_code == 200


def test_a_made_up_token_is_refused_everywhere(platform):
    for path in ("/v1/me", "/v1/products", "/v1/carts/me"):
        client = platform.client()
        client.token = "x" * 43
        refused(client.get(path), 401, "auth.invalid_token")


def test_what_needs_a_customer_refuses_a_guest(http):
    for path in ("/v1/me", "/v1/me/addresses", "/v1/me/sessions", "/v1/me/orders"):
        refused(http.get(path), 401, "auth.required")


def test_a_profile_is_changed(http):
    http.register()
    changed = ok(http.patch("/v1/me", {"first_name": "Grace", "phone": "+14155550199"}), 200)
    assert (changed["first_name"], changed["last_name"], changed["phone"]) == ("Grace", "Lovelace", "+14155550199")


def test_addresses_are_kept_changed_and_deleted(http):
    http.register()
    address = ok(http.post("/v1/me/addresses", {**ADDRESS, "is_default": True}), 201)
    path = f"/v1/me/addresses/{address['id']}"
    assert ok(http.get(path), 200)["city"] == ADDRESS["city"]
    assert ok(http.patch(path, {"city": "Oakland"}), 200)["city"] == "Oakland"
    second = ok(http.post("/v1/me/addresses", {**ADDRESS, "is_default": True}), 201)
    listed = {each["id"]: each["is_default"] for each in ok(http.get("/v1/me/addresses"), 200)["data"]}
    assert listed == {address["id"]: False, second["id"]: True}
    assert http.delete(path).status_code == 204
    refused(http.get(path), 404, "user.address_not_found")


def test_nobody_sees_the_address_of_another(platform, http):
    http.register()
    address = ok(http.post("/v1/me/addresses", ADDRESS), 201)
    other = platform.client()
    other.register()
    path = f"/v1/me/addresses/{address['id']}"
    refused(other.get(path), 404, "user.address_not_found")
    refused(other.patch(path, {"city": "Elsewhere"}), 404, "user.address_not_found")
    refused(other.delete(path), 404, "user.address_not_found")
    assert ok(http.get(path), 200)["city"] == ADDRESS["city"]


def admin_routes(http):
    """Every operation under /v1/admin, with ids in place of its parameters."""
    for path, operations in ok(http.get("/openapi.json"), 200)["paths"].items():
        if path.startswith("/v1/admin"):
            target = path
            while "{" in target:
                target = target[:target.index("{")] + str(uuid.uuid4()) + target[target.index("}") + 1:]
            yield from ((method.upper(), target) for method in operations if method != "parameters")


def test_every_route_of_the_administration_refuses_guests_and_customers(platform, http):
    customer = platform.client()
    customer.register()
    for method, path in admin_routes(http):
        refused(http.request(method, path, json={}), 401, "auth.required")
        refused(customer.request(method, path, json={}), 403, "auth.forbidden")


def test_the_internal_port_needs_its_key(platform, http):
    assert http.session.get(platform.internal_url + "/healthz", timeout=10).status_code == 200
    for path in ("/metrics", "/healthz", "/readyz"):
        refused(http.get(path), 404, "route.not_found")
