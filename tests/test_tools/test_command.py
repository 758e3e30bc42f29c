"""poodle-mm: the scripts of tools/ by name."""

import ast
import subprocess
import sys

import pytest

from poodle_mm import __main__ as command


def test_every_script_is_a_command(repo):
    scripts = {path.relative_to(repo / 'tools') for path in (repo / 'tools').rglob('*.py')}
    found = command.commands()
    assert {path.relative_to(repo / 'tools') for path in found.values()} == scripts
    named = {name: str(path.relative_to(repo / 'tools')) for name, path in found.items()}
    assert named['pretrain'] == 'train.py'
    assert named['publish'] == 'publish_model.py'
    assert named['features'] == 'extract_features.py'
    assert named['check-data'] == 'check_data.py'
    assert named['extract-frames'] == 'dataset_converters/extract_frames.py'


def test_every_script_has_a_line_of_help_and_a_main():
    text = command.overview()
    for name, path in command.commands().items():
        tree = ast.parse(path.read_text(encoding='utf-8'))
        assert 'main' in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, (
            name
        )
        (line,) = [line for line in text.splitlines() if line.split()[:1] == [name]]
        about = line.removeprefix(f'  {name}').strip()
        assert about and ast.get_docstring(tree).startswith(about), line


def test_arguments_and_exit_status_go_through(tmp_path, monkeypatch, capsys):
    (tmp_path / 'tools').mkdir()
    script = (
        '"""Say hello."""\nimport sys\ndef main():\n    print(*sys.argv, sep="|")\n    return 3\n'
    )
    (tmp_path / 'tools' / 'say_hello.py').write_text(script)
    monkeypatch.setattr(command, 'resource_root', lambda: tmp_path)
    monkeypatch.setattr(sys, 'argv', ['poodle-mm', 'say-hello', '--loud', 'you there'])
    with pytest.raises(SystemExit) as stop:
        command.main()
    assert stop.value.code == 3
    assert capsys.readouterr().out == 'poodle-mm say-hello|--loud|you there\n'


def test_unknown_commands_name_the_nearest():
    with pytest.raises(SystemExit, match="no command 'pretrian'; did you mean 'pretrain'"):
        command.main(['pretrian'])


@pytest.mark.parametrize('arguments', [[], ['--help']])
def test_help_imports_no_torch(repo, tmp_path, arguments):
    code = (
        'import sys; from poodle_mm.__main__ import main; '
        f'main({arguments}); sys.exit("torch" in sys.modules)'
    )
    found = subprocess.run(
        [sys.executable, '-c', code],
        cwd=tmp_path,
        env=dict(PYTHONPATH=str(repo)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert 'usage: poodle-mm COMMAND' in found.stdout
