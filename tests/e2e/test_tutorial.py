"""The tutorial's commands do what the page shows, on real processes."""

from tests.e2e.conftest import StartSystem
from tests.e2e.tutorial import PAGE, Shell, blocks, is_reading, normalise, run_settled


def test_every_command_of_the_tutorial_prints_what_the_page_shows(start_system: StartSystem):
    steps = [step for block in blocks(PAGE.read_text(encoding="utf-8")) for step in block]
    assert len(steps) > 10
    with start_system() as system:
        shell = Shell(system.home, {**system.environment, "HOME": str(system.home)})
        # The reader's state is in the default folder.
        states = system.home / ".local" / "state"
        states.mkdir(parents=True)
        (states / "reward-issuance").symlink_to(system.home)
        for step in steps:
            if is_reading(step.command):
                output = run_settled(shell, step)
            else:
                output = shell.run(step.command)
            assert normalise(output) == normalise(step.output), step.command
