"""/healthz and /readyz: what the shop needs, and when it may have customers."""


def test_search_answers_as_soon_as_the_shop_is_ready(fresh_platform):
    platform = fresh_platform(demo=True, start=False)
    for _ in range(3):
        platform.restart()
        reply = platform.client().get("/v1/search", params={"q": "lamp"})
        assert reply.status_code == 200, reply.text
        assert reply.json()["total"] > 0


def test_readiness_names_each_dependency(platform):
    reply = platform.internal("/readyz")
    assert reply.status_code == 200
    checks = reply.json()["checks"]
    assert {"user_db", "order_db", "payment_db", "inventory_db", "notification_db", "product_db", "review_db",
            "redis", "search"} <= set(checks)
    assert {check["status"] for check in checks.values()} == {"ok"}


def test_an_engine_that_is_gone_is_named_and_the_process_is_healthy(fresh_platform):
    platform = fresh_platform(demo=False)
    platform.kill_engine("redis")
    reply = platform.internal("/readyz")
    assert reply.status_code == 503
    checks = reply.json()["checks"]
    assert checks["redis"]["status"] == "failed" and checks["redis"]["detail"]
    assert checks["product_db"]["status"] == checks["search"]["status"] == "ok"
    assert platform.internal("/healthz").status_code == 200


def test_commands_print_nothing_of_the_log(platform):
    for words in (["openapi"], ["import", "products", "/dev/null"]):
        done = platform.run(*words)
        assert done.returncode == 0, done.stderr
        assert '"level"' not in done.stderr, done.stderr
