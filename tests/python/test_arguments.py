"""Arguments of init() that cannot be meant: UsageError with the name of the argument, and no run."""


def test_arguments_of_a_wrong_type_are_named_and_leave_no_run(program, tmp_path):
    done = program("""
import wb
wrong = [dict(id=7), dict(project=5), dict(name=b'n'), dict(notes=['n']), dict(rank='a'), dict(world_size=1.5),
         dict(tags=5), dict(settings=5)]
for arguments in wrong:
    try:
        wb.init(**arguments)
    except wb.UsageError as error:
        print(*arguments, '|', error)
""")
    lines = [line.split(" | ") for line in done.stdout.splitlines()]
    assert len(lines) == 8, done.stdout + done.stderr
    for argument, message in lines:
        assert message.startswith(f"{argument} must be ") and ", not " in message
    assert not (tmp_path / "runs").exists()
