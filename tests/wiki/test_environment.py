"""What `make` runs first: a virtual environment that is whole, or one sentence why not."""

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

CI = Path(__file__).resolve().parents[2] / ".ci"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, CI / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def environment() -> ModuleType:
    return load("environment")


@pytest.fixture
def installation(monkeypatch) -> ModuleType:
    module = load("installation")
    monkeypatch.setattr(module, "TORCH_INDEX", "")
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    return module


@pytest.fixture(scope="module")
def whole_venv(tmp_path_factory) -> Path:
    venv = tmp_path_factory.mktemp("whole") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    version = "python{}.{}".format(*sys.version_info)
    (venv / "lib" / version / "site-packages" / "pip").mkdir()
    return venv


@pytest.fixture
def venv(whole_venv, tmp_path) -> Path:
    return Path(shutil.copytree(whole_venv, tmp_path / "venv", symlinks=True))


@pytest.fixture
def requirements(tmp_path) -> Path:
    """Three files, each including the next, the largest returned."""
    (tmp_path / "requirements-wiki.txt").write_text("wiki==1\n")
    (tmp_path / "requirements.txt").write_text("-r requirements-wiki.txt\nall==1\n")
    (tmp_path / "requirements-dev.txt").write_text("# tools\n-r requirements.txt\ntool==1\n")
    return tmp_path / "requirements-dev.txt"


@pytest.fixture
def commands(installation, monkeypatch) -> list[list[str]]:
    """What would have been run, instead of running it."""
    seen: list[list[str]] = []
    monkeypatch.setattr(
        installation, "run", lambda argv, sorry: seen.append([str(word) for word in argv])
    )
    return seen


def test_an_old_python_can_read_the_first_script():
    tree = ast.parse((CI / "environment.py").read_text(), feature_version=(3, 4))
    newer = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.AsyncFunctionDef, ast.Match)
    for node in ast.walk(tree):
        assert not isinstance(node, newer), ast.dump(node)
        if isinstance(node, ast.FunctionDef):
            assert node.returns is None and not node.args.kwonlyargs
        if isinstance(node, ast.arg):
            assert node.annotation is None


def test_an_old_python_alone_gets_one_sentence(environment, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(environment, "OLDEST", (99, 1))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit) as stopped:
        environment.main()
    assert stopped.value.code == 2
    told = capsys.readouterr().err
    assert "needs Python 99.1 or newer; this is {}.{}.".format(*sys.version_info) in told
    assert "make run PYTHON=" in told and told.count("\n") == 1


def test_a_newer_python_on_path_takes_over(environment, monkeypatch, tmp_path):
    for name, status in (("python3.14", 127), ("python3.12", 0)):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {status}\n")
        (tmp_path / name).chmod(0o755)
    handed: list[list[str]] = []
    monkeypatch.setattr(environment, "OLDEST", (99, 1))
    monkeypatch.setattr(environment.os, "execv", lambda path, argv: handed.append(argv))
    monkeypatch.setattr(sys, "argv", ["environment.py", ".venv", "requirements.txt"])
    monkeypatch.setenv("PATH", str(tmp_path))
    environment.main()
    working = str(tmp_path / "python3.12")
    assert handed == [[working, str(CI / "installation.py"), ".venv", "requirements.txt"]]


def test_a_second_run_does_nothing(installation, commands, venv, requirements):
    installation.complete(venv, requirements)
    assert len(commands) == 1 and commands[0][-2:] == ["-r", str(requirements)]
    installation.complete(venv, requirements)
    assert len(commands) == 1


def test_a_larger_set_satisfies_the_smaller_ones(installation, commands, venv, requirements):
    installation.complete(venv, requirements)
    installation.complete(venv, requirements.with_name("requirements.txt"))
    installation.complete(venv, requirements.with_name("requirements-wiki.txt"))
    assert len(commands) == 1


def test_a_smaller_set_does_not_satisfy_a_larger_one(installation, commands, venv, requirements):
    installation.complete(venv, requirements.with_name("requirements-wiki.txt"))
    installation.complete(venv, requirements)
    assert len(commands) == 2


def test_a_changed_pin_is_installed_and_voids_the_rest(installation, commands, venv, requirements):
    wiki_only = requirements.with_name("requirements-wiki.txt")
    installation.complete(venv, requirements)
    wiki_only.write_text("wiki==2\n")
    installation.complete(venv, wiki_only)
    wiki_only.write_text("wiki==1\n")
    installation.complete(venv, requirements)
    assert [argv[-1] for argv in commands] == [str(requirements), str(wiki_only), str(requirements)]


def test_another_torch_index_is_honoured(installation, commands, venv, requirements, monkeypatch):
    installation.complete(venv, requirements)
    monkeypatch.setattr(installation, "TORCH_INDEX", "https://wheels.example.org/cpu")
    installation.complete(venv, requirements)
    assert commands[1][-2:] == ["--extra-index-url", "https://wheels.example.org/cpu"]


def test_uv_is_used_where_it_is(installation, commands, venv, requirements, monkeypatch):
    monkeypatch.setattr(installation.shutil, "which", lambda name: "/bin/uv")
    installation.complete(venv, requirements)
    python = str(venv / "bin" / "python")
    assert commands == [["/bin/uv", "pip", "install", "--python", python, "-r", str(requirements)]]


def test_an_interrupted_install_is_done_again(
    installation, commands, venv, requirements, monkeypatch
):
    def interrupted(argv, sorry):
        raise KeyboardInterrupt

    installation.complete(venv, requirements)
    requirements.write_text("-r requirements.txt\ntool==2\n")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(installation, "run", interrupted)
        installation.complete(venv, requirements)
    requirements.write_text("# tools\n-r requirements.txt\ntool==1\n")
    installation.complete(venv, requirements)
    assert len(commands) == 2


def break_python(venv: Path) -> None:
    for program in (venv / "bin").glob("python*"):
        program.unlink()


def replace_python(venv: Path) -> None:
    (venv / "pyvenv.cfg").write_text("version = 3.2.1\n")


def interrupt_making(venv: Path) -> None:
    (venv / "commonplace.json").unlink()
    (venv / "pyvenv.cfg").unlink()
    shutil.rmtree(venv / "lib")


@pytest.mark.parametrize("harm", [break_python, replace_python, interrupt_making])
def test_a_broken_environment_is_recognized(installation, commands, venv, requirements, harm):
    installation.complete(venv, requirements)
    harm(venv)
    assert installation.version_of(venv) is None
    assert installation.is_ours_to_replace(venv)


def test_a_broken_environment_is_made_again(installation, venv, requirements, monkeypatch):
    def run_quickly(argv, sorry):
        if "pip" not in argv:
            subprocess.run([*argv, "--without-pip"], check=True)

    monkeypatch.setattr(installation, "run", run_quickly)
    break_python(venv)
    installation.complete(venv, requirements)
    assert installation.version_of(venv) == "{}.{}".format(*sys.version_info)
    assert "requirements-dev.txt" in installation.installed(venv)


def test_a_folder_of_other_things_is_left_alone(installation, requirements, tmp_path):
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "draft.tex").write_text("precious")
    with pytest.raises(installation.CannotInstall, match="holds other things"):
        installation.complete(folder, requirements)
    assert (folder / "draft.tex").read_text() == "precious"


def test_a_missing_venv_module_is_one_sentence(installation, requirements, monkeypatch, tmp_path):
    monkeypatch.setattr(installation.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(installation.CannotInstall, match="apt install python3-venv"):
        installation.complete(tmp_path / "new", requirements)


def test_a_failed_download_says_what_to_do_and_records_nothing(
    installation, whole_venv, requirements, tmp_path
):
    venv = Path(shutil.copytree(whole_venv, tmp_path / "venv", symlinks=True))
    with pytest.raises(installation.CannotInstall, match="no network, connect and run the same"):
        installation.complete(venv, requirements)
    assert installation.installed(venv) == {}


def test_the_scripts_work_together(venv, requirements, tmp_path):
    """As `make` calls them, on a record that is up to date."""
    installation = load("installation")
    version = "{}.{}".format(*sys.version_info)
    record = {requirements.name: installation.fingerprint(requirements, version)}
    (venv / "commonplace.json").write_text(installation.json.dumps(record))
    done = subprocess.run(
        [sys.executable, CI / "environment.py", venv, requirements],
        capture_output=True,
        text=True,
        env={key: value for key, value in os.environ.items() if key != "TORCH_INDEX"},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_intel_mac_is_told_what_it_has_to_compile(installation, monkeypatch):
    assert installation.compiling() == ""
    monkeypatch.setattr(installation.sys, "platform", "darwin")
    monkeypatch.setattr(installation.platform, "machine", lambda: "x86_64")
    assert "xcode-select --install" in installation.compiling()
