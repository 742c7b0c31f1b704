"""./souk itself: up, down, status, and one clear sentence when something is in the way."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess

import pytest
import requests
from support import scratch
from support.platform import free_ports, wait_for

SOUK = scratch.ROOT / "souk"


class Launcher:
    """./souk with a SOUK_HOME and ports of its own."""

    def __init__(self):
        self.home = scratch.new_folder()
        self.port, self.internal_port = free_ports(2)

    def environment(self, **more):
        return {**scratch.clean_environment(), "SOUK_HOME": str(self.home), "SOUK_PORT": str(self.port),
                "SOUK_INTERNAL_PORT": str(self.internal_port), **more}

    def __call__(self, *words, **more):
        return subprocess.run([SOUK, *words], env=self.environment(**more), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=200, check=False)

    def start(self, *words):
        """Starts ./souk in the background, with a log for its output."""
        log = open(self.home / "up.log", "w", encoding="utf-8")
        return subprocess.Popen([SOUK, *words], env=self.environment(), stdin=subprocess.DEVNULL,
                                stdout=log, stderr=log, start_new_session=True,
                                # A test run in the background of a shell ignores Ctrl-C, and would hand that on.
                                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

    def wait_up(self):
        """Until the launcher in the foreground says that all is up."""
        wait_for(lambda: "Ctrl-C" in (self.home / "up.log").read_text(), 60, "readiness")

    def answers(self):
        try:
            return requests.get(f"http://127.0.0.1:{self.internal_port}/readyz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def status(self):
        return json.loads(self("status", "--json").stdout)


@pytest.fixture
def souk():
    launcher = Launcher()
    yield launcher
    launcher("down")
    shutil.rmtree(launcher.home, ignore_errors=True)


def refused(result, *words, code=1):
    """One sentence on stderr that has these words, and the exit code."""
    assert result.returncode == code, result.stdout + result.stderr
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    for word in words:
        assert str(word) in lines[0]


def test_up_status_and_down_keep_the_data(souk):
    up = souk("up", "--no-build", "--detach")
    assert up.returncode == 0, up.stdout + up.stderr
    assert f"http://127.0.0.1:{souk.port}" in up.stdout
    status = souk.status()
    assert status["state"] == "running"
    assert status["http"] == f"http://127.0.0.1:{souk.port}"
    assert status["internal"] == f"http://127.0.0.1:{souk.internal_port}"
    assert "user_db" in status["postgres"] and status["redis"] and status["engines"]

    again = souk("up", "--no-build", "--detach")
    assert again.returncode == 0 and "already runs" in again.stdout
    refused(souk("up", "--no-build"), "already runs", souk.port)

    cart = requests.post(f"http://127.0.0.1:{souk.port}/v1/carts", timeout=10)
    assert cart.status_code == 201, cart.text
    products = requests.get(f"http://127.0.0.1:{souk.port}/v1/products", timeout=10).json()["data"]
    assert products, "the demo catalogue is there"

    assert souk("down").returncode == 0
    assert not souk.answers()
    assert scratch.engine_pids(souk.home) == {"postgres": None, "redis": None}
    stopped = souk("status", "--json")
    assert stopped.returncode == 1 and json.loads(stopped.stdout)["state"] == "stopped"

    assert souk("up", "--no-build", "--detach").returncode == 0
    kept = requests.get(f"http://127.0.0.1:{souk.port}/v1/products", timeout=10).json()["data"]
    assert [p["product_id"] for p in kept] == [p["product_id"] for p in products]
    cart_id = cart.json()["id"]
    assert requests.get(f"http://127.0.0.1:{souk.port}/v1/carts/{cart_id}", timeout=10).status_code == 200


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_everything(souk, signal_number):
    process = souk.start("up", "--no-build")
    souk.wait_up()
    process.send_signal(signal_number)
    assert process.wait(60) == 0
    assert scratch.engine_pids(souk.home) == {"postgres": None, "redis": None}
    assert not souk.answers()


def test_down_stops_a_platform_in_the_foreground(souk):
    process = souk.start("up", "--no-build")
    souk.wait_up()
    assert souk("down").returncode == 0
    assert process.wait(30) == 0


def test_a_platform_that_dies_ends_up_with_a_sentence(souk):
    process = souk.start("up", "--no-build")
    souk.wait_up()
    os.kill(souk.status()["pid"], signal.SIGKILL)
    assert process.wait(60) == 1
    assert "stopped by itself" in (souk.home / "up.log").read_text()
    assert scratch.engine_pids(souk.home) == {"postgres": None, "redis": None}


def test_after_a_power_cut_up_works_and_harms_no_stranger(souk):
    assert souk("up", "--no-build", "--detach").returncode == 0
    pids = [souk.status()["pid"], *scratch.engine_pids(souk.home).values()]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids), 10)
    stranger = subprocess.Popen(["sleep", "300"])
    try:
        # What a reboot may do: the ids in the files belong to another program now.
        platform_file = souk.home / "run/souk.pid"
        platform_file.write_text(f"{stranger.pid} {platform_file.read_text().split()[1]}\n")
        postgres_file = souk.home / "postgres/postmaster.pid"
        postgres_file.write_text("\n".join([str(stranger.pid), *postgres_file.read_text().splitlines()[1:]]))
        (souk.home / "redis/redis.pid").write_text(f"{stranger.pid}\n")
        assert souk.status()["state"] == "stopped"
        up = souk("up", "--no-build", "--detach")
        assert up.returncode == 0, up.stdout + up.stderr
        assert souk("down").returncode == 0
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_taken_port_is_named(souk):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", souk.port))
        taken.listen()
        refused(souk("up", "--no-build"), souk.port, "taken", "SOUK_PORT")
    assert scratch.engine_pids(souk.home) == {"postgres": None, "redis": None}


def test_a_folder_that_cannot_be_written_is_named(souk):
    refused(souk("up", "--no-build", SOUK_HOME="/proc/souk"), "/proc/souk", "SOUK_HOME")
    refused(souk("up", "--no-build", SOUK_HOME="/dev/null/souk"), "/dev/null/souk", "SOUK_HOME")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_named(souk):
    disk = souk.home / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk], check=False)
    if mounted.returncode != 0:
        pytest.skip("this machine does not allow mounting")
    try:
        refused(souk("up", "--no-build", SOUK_HOME=str(disk / "home")), "disk", "free")
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the servers as other users")
def test_where_the_servers_users_cannot_enter_another_folder_is_used_and_named(souk):
    souk.home.chmod(0o700)
    up = souk("up", "--no-build", "--detach")
    folder = pathlib.Path((souk.home / "data-folder").read_text().strip())
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        assert str(folder) in up.stdout
        assert souk("down").returncode == 0
        assert (folder / "postgres/PG_VERSION").exists()
    finally:
        souk("down")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_the_engines_run_as_the_user_who_starts_them():
    home = scratch.new_folder()
    shutil.chown(home, "nobody", "nogroup")

    def engines(word):
        return subprocess.run(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                               scratch.ENGINES, word, home], capture_output=True, text=True, check=False)

    try:
        started = engines("start")
        assert started.returncode == 0, started.stderr
        for pid in scratch.engine_pids(home).values():
            assert pathlib.Path(f"/proc/{pid}").owner() == "nobody"
    finally:
        engines("stop")
        shutil.rmtree(home)


def test_redis_of_ones_own_is_used_and_left_alone(souk):
    other = scratch.new_folder()
    try:
        scratch.engines("start", other)
        url = scratch.engine_environment(other)["SOUK_REDIS_URL"]
        up = souk("up", "--no-build", "--detach", SOUK_REDIS_URL=url)
        assert up.returncode == 0, up.stdout + up.stderr
        assert scratch.engine_pids(souk.home)["redis"] is None
        assert souk("down", SOUK_REDIS_URL=url).returncode == 0
        assert scratch.engine_pids(other)["redis"] is not None
    finally:
        scratch.engines("stop", other)
        shutil.rmtree(other)


def test_wrong_usage_has_exit_code_2(souk):
    refused(souk("up", "--sideways"), "--sideways", code=2)
    refused(souk("status", "--xml"), "--xml", code=2)
    refused(souk("up", "--no-build", SOUK_PORT="http"), "SOUK_PORT", code=2)


def test_help_names_every_word(souk):
    text = souk("help").stdout
    for word in ("up", "down", "status", "logs", "test", "bench", "import products"):
        assert word in text


def test_up_split_runs_each_service_as_a_process_of_its_own(souk):
    up = souk("up", "--no-build", "--detach", "--split")
    assert up.returncode == 0, up.stdout + up.stderr
    processes = souk.status()["processes"]
    assert len(processes) == 11 and {"gateway", "order", "cart"} <= set(processes)
    assert all(each["state"] == "running" and each["restarts"] == 0 for each in processes.values())
    assert requests.post(f"http://127.0.0.1:{souk.port}/v1/carts", timeout=10).status_code == 201
    # A service's own port takes calls with the key alone.
    call = requests.post(processes["cart"]["internal"] + "/rpc/cart/create_cart", json={}, timeout=10,
                         headers={"Authorization": "Bearer guess"})
    assert call.status_code == 401
    assert requests.post(processes["cart"]["internal"] + "/rpc/cart/create_cart", json={}, timeout=10).status_code == 404
    assert '"process":"order"' in souk("logs", "order").stdout

    os.kill(processes["cart"]["pid"], signal.SIGKILL)
    wait_for(lambda: souk.status()["processes"]["cart"]["restarts"] == 1, 15, "the new process")
    wait_for(souk.answers, 15, "readiness")
    down = souk("down")
    assert down.returncode == 0, down.stderr
    assert not any(pathlib.Path(f"/proc/{each['pid']}/exe").exists() for each in processes.values())
